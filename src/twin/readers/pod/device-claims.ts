import { findGpu } from "../../../model/catalogue/index.ts";
import { describeSource, type Known, known } from "../../../model/known.ts";
import { objectText } from "../../../model/object-text.ts";
import type { Problem } from "../../../model/problem.ts";
import { Field } from "../../field.ts";
import { type ObservedCluster } from "../../manifest.ts";

/** GPUs that a container claims by dynamic resource allocation. */
export interface ClaimedGpus {
  /** undefined: nothing here tells, which a problem says. */
  readonly count: Known<number> | undefined;
  /** What the claims select by, as nodes' labels would say it. */
  readonly types: readonly Known<string>[];
}

/** Drivers, and the device classes of their names, whose devices are whole GPUs. */
const GPUS = ["gpu.nvidia.com", "gpu.amd.com"];

/** Device classes of the drivers' own whose devices are something else that an engine may run on. */
const OTHERS: Readonly<Record<string, string>> = {
  "mig.nvidia.com": "a MIG slice of a GPU",
  "vfio.gpu.nvidia.com": "a GPU for virtual machines",
  "gpu.intel.com": "an Intel GPU",
  "gaudi.intel.com": "a Gaudi accelerator",
  "tpu.google.com": "a TPU",
  "neuron.aws.com": "a Neuron accelerator",
};

/** Device classes of devices that no engine runs on. */
const BESIDE = ["dra.net", "dra.cpu", "dra.memory", "rdma.nvidia.com"];
const isBeside = (name: string): boolean => BESIDE.includes(name) || /^compute-domain-[\w-]+\.nvidia\.com$/.test(name);

/** Most letters of an expression that are read; the API server takes no more either. */
const MOST = 10 * 1024;
const PRODUCT =
  /\.productName(?:\.\w+\(\))*(?:\s*==\s*["']([^"']*)["']|\s+in\s*\[([^\]]*)\]|\.(?:matches|startsWith|contains)\(\s*["']([^"']*)["'])/g;
const QUOTED = /["']([^"']*)["']/g;
const TYPE = /\.type\s*==\s*["']([^"']*)["']/;
const DRIVER = /device\.driver\s*==\s*["']([^"']*)["']/;

/**
 * Reads what the engine's container claims: its `resources.claims`, the pod's `resourceClaims` of these names, and the
 * ResourceClaimTemplates that those name, whose requests are of a DeviceClass. Of the selectors' expressions the product's name is
 * read; what else they ask of a device is taken to hold.
 * Source: Kubernetes v1.36, resource.k8s.io/v1 (v1beta1 has no `exactly`); attributes as gpu.nvidia.com and gpu.amd.com publish them.
 *
 * @returns undefined where nothing is claimed
 */
export const readDeviceClaims = (
  pod: Field,
  container: Field,
  { cluster, namespace }: { readonly cluster: Pick<ObservedCluster, "get">; readonly namespace: string },
  problems: Problem[],
): ClaimedGpus | undefined => {
  const claims = container.at("resources", "claims").items();
  // What the pod claims and this container doesn't name is other containers'.
  if (claims.length === 0) return undefined;
  const entries = pod.at("resourceClaims").items();
  const reader = new ClaimReader(cluster, namespace, problems);
  const counts = claims.map((claim) => {
    const name = claim.at("name").text()?.value ?? "";
    const entry = entries.find((one) => one.at("name").raw === name);
    if (entry !== undefined) return reader.count(entry, claim.at("request").text()?.value);
    const message = `${name} is no name of the pod's resourceClaims`;
    problems.push({
      severity: "error",
      reason: "Malformed",
      ...claim.at("name").place,
      message,
      fix: "name one of them",
    });
    return undefined;
  });
  return { count: sumOf(counts), types: reader.types };
};

/** Of GPUs that are known, whatever else there is; undefined: of none, and there may be some. */
const sumOf = (counts: readonly (Known<number> | undefined)[]): Known<number> | undefined => {
  const gpus = counts.flatMap((count) => (count === undefined || count.value === 0 ? [] : [count]));
  if (gpus.length < 2) return gpus[0] ?? (counts.includes(undefined) ? undefined : counts[0]);
  const sum = gpus.reduce((all, { value }) => all + value, 0);
  return known(sum, {
    kind: "derived",
    how: gpus.map(({ value, from }) => `${value} (${describeSource(from)})`).join(" + "),
  });
};

class ClaimReader {
  readonly types: Known<string>[] = [];
  readonly #cluster: Pick<ObservedCluster, "get">;
  readonly #namespace: string;
  readonly #problems: Problem[];

  constructor(cluster: Pick<ObservedCluster, "get">, namespace: string, problems: Problem[]) {
    this.#cluster = cluster;
    this.#namespace = namespace;
    this.#problems = problems;
  }

  /**
   * Of an entry of the pod's `resourceClaims`.
   * @param only the one request of it that the container gets; undefined: all
   * @returns undefined where nothing tells, which a problem says
   */
  count(entry: Field, only: string | undefined): Known<number> | undefined {
    const [claim, template] = [entry.at("resourceClaimName"), entry.at("resourceClaimTemplateName")];
    if (!template.present) {
      const message = `ResourceClaim ${String(claim.raw)} is one for all pods, which would share its devices: each replica is simulated with GPUs of its own`;
      this.#unknown(
        claim.present ? claim : entry,
        message,
        "name a ResourceClaimTemplate, as each pod gets a claim then",
      );
      return undefined;
    }
    const name = template.text()?.value ?? "";
    const found = this.#cluster.get("ResourceClaimTemplate", this.#namespace, name);
    if (found === undefined) {
      const text = objectText({ kind: "ResourceClaimTemplate", namespace: this.#namespace, name });
      this.#unknown(
        template,
        `${text} isn't here, which says how many GPUs are claimed, and of which type`,
        "mirror it too",
      );
      return undefined;
    }
    const requests = Field.root(found, this.#problems).at("spec", "spec", "devices", "requests").items();
    const asked = requests.filter((request) => only === undefined || request.at("name").raw === only);
    if (asked.length === 0) {
      const what = only === undefined ? "it requests no device" : `it has no request of the name ${only}`;
      this.#tell("error", "Malformed", template, `of ResourceClaimTemplate ${name}: ${what}`);
    }
    return sumOf(asked.map((request) => this.#request(request)));
  }

  #request(request: Field): Known<number> | undefined {
    const [exactly, alternatives] = [request.at("exactly"), request.at("firstAvailable").items()];
    const [first, ...others] = alternatives;
    if (first !== undefined && others.length > 0) {
      const message = `of ${alternatives.length} alternatives the first is simulated, whatever is free`;
      this.#tell("warning", "NotModelled", request.at("firstAvailable"), message);
    }
    return this.#devices(exactly.present ? exactly : (first ?? request));
  }

  /** @returns 0 for devices that are no GPUs */
  #devices(asked: Field): Known<number> | undefined {
    const said = asked.at("deviceClassName");
    const name = said.text()?.value ?? "";
    const none = known(0, said.from);
    if (asked.at("adminAccess").raw === true || isBeside(name)) return none;
    const others = OTHERS[name];
    if (others !== undefined) return this.#refuse(said, `DeviceClass ${name} is ${others}, which is not modelled`);
    const found = this.#cluster.get("DeviceClass", "", name);
    const classOf = found === undefined ? [] : expressionsIn(Field.root(found, this.#problems).at("spec"));
    if (!GPUS.includes(name)) {
      const driver = classOf.flatMap(({ raw }) => DRIVER.exec(textOf(raw))?.[1] ?? []).at(0);
      if (found !== undefined && driver !== undefined && !GPUS.includes(driver)) return none;
      if (driver === undefined) {
        const message =
          found === undefined
            ? `DeviceClass ${name} isn't here, which says whether its devices are GPUs`
            : `DeviceClass ${name} doesn't say by device.driver whether its devices are GPUs (of ${GPUS.join(", ")})`;
        this.#unknown(said, message, found === undefined ? "mirror it too" : undefined);
        return undefined;
      }
    }
    for (const expression of [...classOf, ...expressionsIn(asked)]) {
      const type = TYPE.exec(textOf(expression.raw))?.[1];
      if (type !== undefined && !["gpu", "amdgpu"].includes(type)) {
        return this.#refuse(
          expression,
          `devices of type ${type} are parts of a GPU or something else, which is not modelled`,
        );
      }
      this.types.push(...typesIn(expression));
    }
    const mode = asked.at("allocationMode");
    if (mode.raw === "All") {
      this.#unknown(
        mode,
        "All claims as many devices as a node has, which nothing here tells",
        "set ExactCount and a count",
      );
      return undefined;
    }
    return (
      asked.at("count").whole() ??
      known(1, { kind: "default", why: `Kubernetes: a request of ${name} is of one device` })
    );
  }

  #refuse(field: Field, message: string): undefined {
    this.#tell("error", "NotModelled", field, message, "mirror a workload on whole GPUs");
  }

  #unknown(field: Field, message: string, fix?: string): void {
    this.#tell("warning", "ClaimNotKnown", field, message, fix);
  }

  #tell(severity: Problem["severity"], reason: string, field: Field, message: string, fix?: string): void {
    this.#problems.push({ severity, reason, ...field.place, message, ...(fix === undefined ? {} : { fix }) });
  }
}

const expressionsIn = (place: Field): readonly Field[] =>
  place
    .at("selectors")
    .items()
    .map((selector) => selector.at("cel", "expression"));

const textOf = (raw: unknown): string => (typeof raw === "string" ? raw.slice(0, MOST) : "");

/** Products by name, `NVIDIA H100 80GB HBM3`, without blanks, as feature discovery labels nodes. A pattern counts if it names one. */
const typesIn = ({ raw, from }: Field): readonly Known<string>[] =>
  [...textOf(raw).matchAll(PRODUCT)].flatMap(([, equal, list, pattern]) => {
    const listed = list === undefined ? [] : [...list.matchAll(QUOTED)].map(([, one]) => one);
    const named = pattern?.replaceAll(/[^\w -]|_/g, "");
    const patterned = named !== undefined && findGpu(labelled(named)).found ? named : undefined;
    return [equal, ...listed, patterned].flatMap((name) => (name === undefined ? [] : [known(labelled(name), from)]));
  });

const labelled = (product: string): string => product.trim().replaceAll(/\s+/g, "-");
