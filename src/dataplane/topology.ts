/** The labels that llm-d-router v0.9's `topology-extractor` reads by default, nearest first. */
const LEVELS = [
  ["host", "kubernetes.io/hostname"],
  ["rack", "topology.kubernetes.io/rack"],
  ["zone", "topology.kubernetes.io/zone"],
  ["region", "topology.kubernetes.io/region"],
] as const;

export const TOPOLOGY_LEVELS = LEVELS.map(([level]) => level);
export type TopologyLevel = (typeof LEVELS)[number][0];

type Labels = Readonly<Record<string, string>>;

/** @returns index of the nearest level that both have in common; 4: none */
export const closeness = (one: Labels, other: Labels): number => {
  for (let level = 0; level < LEVELS.length; level += 1) {
    const label = (LEVELS[level] as (typeof LEVELS)[number])[1];
    const value = one[label];
    if (value !== undefined && value !== "" && value === other[label]) return level;
  }
  return LEVELS.length;
};

/** Whether anything is known of where a pod is. */
export const isPlaced = (labels: Labels): boolean => LEVELS.some(([, label]) => (labels[label] ?? "") !== "");
