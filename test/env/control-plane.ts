/** A real etcd, kube-apiserver and (if wanted) kube-controller-manager on loopback ports, each test file its own. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Agent, request } from "undici";
import { binaries } from "./build.ts";
import { createAuthority, type KeyPair, signingKey } from "./certificates.ts";
import { type Daemon, freePorts, retryOnPortClash, startDaemon, temporaryDirectory } from "./daemon.ts";

export interface ControlPlaneOptions {
  /** Also run Deployments, ReplicaSets, StatefulSets, Jobs, HPAs, garbage collection, ... (there are no nodes: Pods stay Pending). */
  controllerManager?: boolean;
  /** How often the HPA controller looks at its metrics. */
  hpaSyncPeriodSeconds?: number;
  /** The HPA controller's default scale-down window (a real cluster has 300). */
  hpaDownscaleStabilizationSeconds?: number;
  /** More kube-apiserver flags, such as "--feature-gates=X=true". */
  apiServerFlags?: string[];
  /** More kube-controller-manager flags. */
  controllerManagerFlags?: string[];
  /** How long each server may take to become ready. */
  readyWithinSeconds?: number;
}

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  /** Parsed, where it is JSON. */
  body: unknown;
}

export interface User extends KeyPair {
  name: string;
  groups: string[];
  kubeconfig: string;
  kubeconfigPath: string;
}

export interface ControlPlane {
  /** https://127.0.0.1:port */
  readonly url: string;
  readonly pids: { etcd: number; apiServer: number; controllerManager?: number };
  /** PEM. `ca` signed the server's and the users' certificates; `frontProxy` may speak for any user (X-Remote-User). */
  readonly certificates: { ca: string; server: KeyPair; frontProxy: KeyPair };
  /** Makes a user with a client certificate (CN = name, O = groups). It has no rights until RBAC gives it some. */
  user(name: string, groups?: string[]): Promise<User>;
  /** Keys for a server that the control plane calls by one of these names; `certificates.ca` signs them. */
  serverKeys(dnsNames: string[]): Promise<KeyPair>;
  /** YAML for "admin" (system:masters) or a user made by `user()`; `server` if not the API server itself. */
  kubeconfig(user?: string, server?: string): string;
  /** The same as a file. */
  kubeconfigPath(user?: string, server?: string): string;
  /** One request, as admin unless told otherwise. Never throws for a status. */
  request(method: string, path: string, body?: unknown, options?: RequestOptions): Promise<Answer>;
  /** SIGTERM, and wait for its end. etcd keeps the data. */
  stopApiServer(): Promise<void>;
  /** SIGKILL, and wait for its end. */
  killApiServer(): Promise<void>;
  /** On the same port and with the same certificates; returns when it is ready. */
  startApiServer(): Promise<void>;
  /** The last lines of a server's log. */
  log(server: "etcd" | "apiServer" | "controllerManager", lines?: number): string;
  stop(): Promise<void>;
}

export interface RequestOptions {
  user?: string;
  /** Default: application/json, or for PATCH application/merge-patch+json. */
  contentType?: string;
}

const controllers = [
  "deployment-controller",
  "replicaset-controller",
  "statefulset-controller",
  "disruption-controller",
  "endpoints-controller",
  "endpointslice-controller",
  "garbage-collector-controller",
  "horizontal-pod-autoscaler-controller",
  "job-controller",
  "namespace-controller",
  "serviceaccount-controller",
];

export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const paths = await binaries({
    needed: ["etcd", "kubeApiserver", ...(options.controllerManager ? (["kubeControllerManager"] as const) : [])],
  });
  return retryOnPortClash(() => start(paths, options));
}

async function start(paths: Awaited<ReturnType<typeof binaries>>, options: ControlPlaneOptions): Promise<ControlPlane> {
  const readyWithin = options.readyWithinSeconds ?? 30;
  const directory = temporaryDirectory("control-plane");
  const file = (name: string, content: string) => {
    const path = join(directory.path, name);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  };
  const [etcdPort, peerPort, apiPort, controllerPort] = (await freePorts(4)) as [number, number, number, number];
  const url = `https://127.0.0.1:${apiPort}`;

  // Two CAs: with one, everybody with a client certificate could claim to be the front proxy.
  const [ca, frontProxyCa, serviceAccountKey] = await Promise.all([
    createAuthority("servetwin-test-ca"),
    createAuthority("servetwin-test-front-proxy-ca"),
    signingKey(),
  ]);
  const [server, frontProxy] = await Promise.all([
    ca.server(
      "kube-apiserver",
      ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"],
      ["127.0.0.1", "10.0.0.1"],
    ),
    frontProxyCa.client("front-proxy-client"),
  ]);
  const files = {
    ca: file("ca.crt", ca.certificate),
    serverCert: file("server.crt", server.certificate),
    serverKey: file("server.key", server.key),
    frontProxyCa: file("front-proxy-ca.crt", frontProxyCa.certificate),
    frontProxyCert: file("front-proxy.crt", frontProxy.certificate),
    frontProxyKey: file("front-proxy.key", frontProxy.key),
    serviceAccountPublic: file("service-account.pub", serviceAccountKey.publicKey),
    serviceAccountPrivate: file("service-account.key", serviceAccountKey.privateKey),
  };

  const users = new Map<string, { groups: string[]; keys: KeyPair; agent: Agent }>();
  async function addUser(name: string, groups: string[]): Promise<KeyPair> {
    const keys = await ca.client(name, groups);
    const agent = new Agent({ connect: { ca: ca.certificate, cert: keys.certificate, key: keys.key } });
    await users.get(name)?.agent.close();
    users.set(name, { groups, keys, agent });
    return keys;
  }
  function getUser(name: string) {
    const user = users.get(name);
    if (!user) throw new Error(`this control plane has no user "${name}": make it with user("${name}", groups)`);
    return user;
  }
  await addUser("admin", ["system:masters"]);

  function kubeconfig(user = "admin", server = url): string {
    const { keys } = getUser(user);
    const base64 = (text: string) => Buffer.from(text).toString("base64");
    return `apiVersion: v1
kind: Config
current-context: servetwin-test
clusters:
  - name: servetwin-test
    cluster:
      server: ${server}
      certificate-authority-data: ${base64(ca.certificate)}
users:
  - name: ${JSON.stringify(user)}
    user:
      client-certificate-data: ${base64(keys.certificate)}
      client-key-data: ${base64(keys.key)}
contexts:
  - name: servetwin-test
    context:
      cluster: servetwin-test
      user: ${JSON.stringify(user)}
      namespace: default
`;
  }
  function kubeconfigPath(user = "admin", server = url): string {
    return file(`kubeconfig-${encodeURIComponent(user)}-${new URL(server).port}.yaml`, kubeconfig(user, server));
  }

  async function send(method: string, path: string, body?: unknown, opts: RequestOptions = {}): Promise<Answer> {
    const contentType = opts.contentType ?? `application/${method === "PATCH" ? "merge-patch+json" : "json"}`;
    const answer = await request(url + path, {
      method: method as "GET",
      dispatcher: getUser(opts.user ?? "admin").agent,
      headers: { accept: "application/json", ...(body === undefined ? {} : { "content-type": contentType }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.body.text();
    let parsed: unknown = text;
    try {
      parsed = JSON.parse(text);
    } catch {
      // /readyz and alike answer with plain text
    }
    return { status: answer.statusCode, headers: answer.headers, body: parsed };
  }

  const daemons: { etcd?: Daemon; apiServer?: Daemon; controllerManager?: Daemon } = {};
  async function stop(): Promise<void> {
    // The API server before etcd, else it spends its last seconds looking for it.
    await daemons.controllerManager?.stop(3);
    await daemons.apiServer?.stop(5);
    await daemons.etcd?.stop(3);
    await Promise.all([...users.values()].map((user) => user.agent.destroy()));
    directory.remove();
  }

  const etcdUrl = `http://127.0.0.1:${etcdPort}`;
  async function startEtcd(): Promise<void> {
    const peerUrl = `http://127.0.0.1:${peerPort}`;
    const dataDirectory = join(directory.path, "etcd");
    const etcd = startDaemon(
      "etcd",
      paths.etcd,
      [
        `--data-dir=${dataDirectory}`,
        `--listen-client-urls=${etcdUrl}`,
        `--advertise-client-urls=${etcdUrl}`,
        `--listen-peer-urls=${peerUrl}`,
        `--initial-advertise-peer-urls=${peerUrl}`,
        `--initial-cluster=default=${peerUrl}`,
        "--unsafe-no-fsync",
        "--log-level=warn",
      ],
      directory.path,
    );
    daemons.etcd = etcd;
    await etcd.ready(async () => {
      const answer = await request(`${etcdUrl}/health`);
      await answer.body.dump();
      return answer.statusCode === 200;
    }, readyWithin);
  }

  async function startApiServer(): Promise<void> {
    if (daemons.apiServer?.running) throw new Error("the API server already runs: stop or kill it first");
    const apiServer = startDaemon(
      "kube-apiserver",
      paths.kubeApiserver,
      [
        `--etcd-servers=${etcdUrl}`,
        "--bind-address=127.0.0.1",
        `--secure-port=${apiPort}`,
        // A loopback address is not a valid Endpoints address; without an address it would ask for a default route.
        "--advertise-address=127.0.0.1",
        "--endpoint-reconciler-type=none",
        `--cert-dir=${directory.path}`,
        `--tls-cert-file=${files.serverCert}`,
        `--tls-private-key-file=${files.serverKey}`,
        `--client-ca-file=${files.ca}`,
        "--authorization-mode=RBAC",
        "--allow-privileged=true",
        "--service-cluster-ip-range=10.0.0.0/24",
        // It would refuse Pods until a controller has made the namespace's default account.
        "--disable-admission-plugins=ServiceAccount",
        "--service-account-issuer=https://kubernetes.default.svc",
        `--service-account-key-file=${files.serviceAccountPublic}`,
        `--service-account-signing-key-file=${files.serviceAccountPrivate}`,
        // The aggregation layer: external and custom metrics APIs, and the fault proxy.
        `--requestheader-client-ca-file=${files.frontProxyCa}`,
        "--requestheader-allowed-names=front-proxy-client",
        "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        `--proxy-client-cert-file=${files.frontProxyCert}`,
        `--proxy-client-key-file=${files.frontProxyKey}`,
        // Without it, a stop waits (up to a minute) for open watches to end by themselves.
        "--shutdown-watch-termination-grace-period=1s",
        "--profiling=false",
        ...(options.apiServerFlags ?? []),
      ],
      directory.path,
    );
    daemons.apiServer = apiServer;
    await apiServer.ready(async () => (await send("GET", "/readyz")).status === 200, readyWithin);
    // Ready is a little earlier than the first namespaces.
    await apiServer.ready(async () => (await send("GET", "/api/v1/namespaces/default")).status === 200, readyWithin);
  }

  async function startControllerManager(): Promise<void> {
    const config = kubeconfigPath();
    const controllerManager = startDaemon(
      "kube-controller-manager",
      paths.kubeControllerManager,
      [
        `--kubeconfig=${config}`,
        `--authentication-kubeconfig=${config}`,
        `--authorization-kubeconfig=${config}`,
        "--bind-address=127.0.0.1",
        `--secure-port=${controllerPort}`,
        `--tls-cert-file=${files.serverCert}`,
        `--tls-private-key-file=${files.serverKey}`,
        "--leader-elect=false",
        "--use-service-account-credentials=false",
        `--service-account-private-key-file=${files.serviceAccountPrivate}`,
        `--root-ca-file=${files.ca}`,
        `--controllers=${controllers.join(",")}`,
        `--horizontal-pod-autoscaler-sync-period=${options.hpaSyncPeriodSeconds ?? 2}s`,
        `--horizontal-pod-autoscaler-downscale-stabilization=${options.hpaDownscaleStabilizationSeconds ?? 20}s`,
        ...(options.controllerManagerFlags ?? []),
      ],
      directory.path,
    );
    daemons.controllerManager = controllerManager;
    const { agent } = getUser("admin");
    await controllerManager.ready(async () => {
      const answer = await request(`https://127.0.0.1:${controllerPort}/healthz`, { dispatcher: agent });
      await answer.body.dump();
      return answer.statusCode === 200;
    }, readyWithin);
  }

  try {
    await startEtcd();
    await startApiServer();
    if (options.controllerManager) await startControllerManager();
  } catch (error) {
    await stop();
    throw error;
  }

  return {
    url,
    get pids() {
      return {
        etcd: daemons.etcd?.pid ?? -1,
        apiServer: daemons.apiServer?.pid ?? -1,
        ...(daemons.controllerManager && { controllerManager: daemons.controllerManager.pid }),
      };
    },
    certificates: { ca: ca.certificate, server, frontProxy },
    async user(name, groups = []) {
      const keys = await addUser(name, groups);
      return { name, groups, ...keys, kubeconfig: kubeconfig(name), kubeconfigPath: kubeconfigPath(name) };
    },
    serverKeys: (dnsNames) => ca.server(dnsNames[0] ?? "localhost", dnsNames, ["127.0.0.1"]),
    kubeconfig,
    kubeconfigPath,
    request: send,
    stopApiServer: async () => daemons.apiServer?.stop(10),
    killApiServer: async () => daemons.apiServer?.kill(),
    startApiServer,
    log: (server, lines) => daemons[server]?.log(lines) ?? `(${server} was not started)`,
    stop,
  };
}
