/** One thing that a person does with kubectl, and what it says then. Later rows build on earlier ones. */
export interface KubectlCommand {
  /** Below the namespace of this kubectl; `$ns` is its name. */
  readonly args: readonly string[];
  /** What stdin says: YAML or JSON. */
  readonly input?: string;
  /** What standard output is, `$ns` replaced. */
  readonly says?: RegExp;
  /** The command succeeds, and standard error is this. */
  readonly whispers?: RegExp;
  /** The command fails, and standard error is this. */
  readonly fails?: RegExp;
  /** Environment of the command. */
  readonly env?: Readonly<Record<string, string>>;
  /** The minor version that brought it, or that says it this way. */
  readonly since?: number;
  /** The last minor version that says it this way. */
  readonly upTo?: number;
  /** Tried again until it is so: what controllers do takes a moment. */
  readonly isAwaited?: boolean;
}

/** A Deployment as people write them. */
function web(container = '', spec = ''): string {
  return `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}, annotations: {kubernetes.io/change-cause: first}}
spec:
  replicas: 2
${spec}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: main
        image: one
        ports: [{containerPort: 80}]
${container}
`;
}

const SERVICE = `
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
`;

const SETTINGS = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"settings"},"data":{"a":"1"}}';
const POD =
  '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"lone"},"spec":{"containers":[{"name":"c","image":"i"}]}}';
const REPLACED = POD.replace('"i"', '"j"');

const MAKING: readonly KubectlCommand[] = [
  {
    args: ['apply', '-f', '-'],
    input: web() + SERVICE,
    says: /^deployment.apps\/web created\nservice\/web created\n$/,
  },
  {
    args: ['apply', '-f', '-'],
    input: web() + SERVICE,
    says: /^deployment.apps\/web unchanged\nservice\/web unchanged\n$/,
  },
  { args: ['rollout', 'status', 'deploy/web', '--timeout=60s'], says: /deployment "web" successfully rolled out/ },
  { args: ['create', '-f', '-'], input: SETTINGS, says: /^configmap\/settings created\n$/ },
  {
    args: ['create', '-f', '-'],
    input: SETTINGS,
    fails: /^Error from server \(AlreadyExists\): error when creating "STDIN": configmaps "settings" already exists\n$/,
  },
  { args: ['create', 'secret', 'generic', 'key', '--from-literal=a=b'], says: /secret\/key created/ },
  { args: ['create', 'serviceaccount', 'robot'], says: /serviceaccount\/robot created/ },
  {
    args: ['create', 'role', 'look', '--verb=get,list', '--resource=pods,pods/log,deployments.apps'],
    says: /role.rbac.authorization.k8s.io\/look created/,
  },
  { args: ['create', 'rolebinding', 'look', '--role=look', '--serviceaccount=$ns:robot'], says: /look created/ },
  { args: ['create', 'deployment', 'made', '--image=busybox', '--replicas=1'], says: /deployment.apps\/made created/ },
  { args: ['create', 'quota', 'none', '--dry-run=client', '-o', 'name'], says: /resourcequota\/none/ },
  { args: ['create', 'configmap', 'dry', '--from-literal=a=b', '--dry-run=server', '-o', 'yaml'], says: /uid: / },
  { args: ['get', 'configmap', 'dry'], fails: /configmaps "dry" not found/ },
  { args: ['run', 'alone', '--image=busybox', '--labels=x=y', '--', 'sleep', '1'], says: /pod\/alone created/ },
  { args: ['wait', 'pod', 'alone', '--for=condition=Ready', '--timeout=60s'], says: /pod\/alone condition met/ },
  { args: ['expose', 'deployment', 'made', '--port=80', '--target-port=8080'], says: /service\/made exposed/ },
];

// kubectl up to 1.24 checks against OpenAPI itself; later ones let the server.
const VALIDATION: readonly KubectlCommand[] = [
  {
    args: ['apply', '-f', '-'],
    input: web('', '  replicass: 3'),
    upTo: 24,
    fails:
      /error validating data: ValidationError\(Deployment.spec\): unknown field "replicass" in io.k8s.api.apps.v1.DeploymentSpec/,
  },
  {
    args: ['apply', '-f', '-'],
    input: web('', '  replicass: 3'),
    since: 25,
    fails: /^The request is invalid: patch: .*strict decoding error: unknown field "spec.replicass"\n$/,
  },
  {
    args: ['apply', '-f', '-'],
    input: web('        imagePullPolicy: Sometimes'),
    fails:
      /The Deployment "web" is invalid: spec.template.spec.containers\[0\].imagePullPolicy: Unsupported value: "Sometimes": supported values: /,
  },
  {
    args: ['apply', '-f', '-'],
    input: web().replace('{app: web}}', '{app: other}}'),
    fails: /`selector` does not match template `labels`|field is immutable/,
  },
  {
    args: ['apply', '-f', '-'],
    input: 'apiVersion: v9\nkind: Nothing\nmetadata: {name: x}\n',
    fails: /no matches for kind "Nothing" in version "v9"/,
  },
];

const READING: readonly KubectlCommand[] = [
  { args: ['get', 'deploy,svc', 'web', '-o', 'name'], says: /^deployment.apps\/web\nservice\/web\n$/ },
  {
    args: ['get', 'deploy', 'web', '-o', 'wide'],
    says: /^NAME +READY +UP-TO-DATE +AVAILABLE +AGE +CONTAINERS +IMAGES +SELECTOR\nweb +2\/2 +2 +2 +\S+ +main +one +app=web\n$/,
  },
  {
    args: ['get', 'pods', '-l', 'app=web', '-o', 'wide'],
    says: /^NAME +READY +STATUS +RESTARTS +AGE +IP +NODE +NOMINATED NODE +READINESS GATES\n(web-\S+ .* 10\.244\.\S+ +w\d .*\n){2}$/,
  },
  {
    args: ['get', 'svc', 'web'],
    says: /^NAME +TYPE +CLUSTER-IP +EXTERNAL-IP +PORT\(S\) +AGE\nweb +ClusterIP +10\.\S+ +<none> +80\/TCP +\S+\n$/,
  },
  {
    args: ['get', 'deploy', 'web', '-o', 'yaml'],
    says: /^apiVersion: apps\/v1\nkind: Deployment\n[^]*\n {2}replicas: 2\n/,
  },
  {
    args: ['get', 'deploy', 'web', '-o', 'json'],
    says: /^{\n {4}"apiVersion": "apps\/v1",\n {4}"kind": "Deployment",/,
  },
  {
    args: ['get', 'deploy', '-o', 'custom-columns=N:.metadata.name,I:.spec.template.spec.containers[*].image'],
    says: /^N +I\nmade +busybox\nweb +one\n$/,
  },
  {
    args: ['get', 'deploy', '--sort-by=.metadata.name', '-o', 'jsonpath={.items[*].metadata.name}'],
    says: /^made web$/,
  },
  {
    args: ['get', 'pods', '--field-selector=metadata.name=alone', '--show-labels', '--no-headers'],
    says: /^alone +\d\/1 +Running +0 +\S+ +x=y\n$/,
  },
  { args: ['get', 'pods', '-l', 'app in (web),!x', '-L', 'app', '--no-headers'], says: /^(web-\S+ .* web\n){2}$/ },
  {
    args: ['get', 'nodes', '-o', 'wide'],
    says: /^NAME +STATUS +ROLES +AGE +VERSION +INTERNAL-IP [^]*\nw1 +Ready +<none>/,
  },
  {
    args: ['get', 'all', '-l', 'app=web', '-o', 'name'],
    says: /^pod\/web-[^]*\ndeployment.apps\/web\nreplicaset.apps\/web-\w+\n/,
  },
  { args: ['get', 'nothing'], fails: /^error: the server doesn't have a resource type "nothing"\n$/ },
  { args: ['get', 'pod', 'nobody'], fails: /^Error from server \(NotFound\): pods "nobody" not found\n$/ },
  { args: ['get', 'pod', 'nobody', '--ignore-not-found'], says: /^$/ },
  { args: ['get', 'pods', '--all-namespaces', '--chunk-size=1', '-o', 'name'], says: /pod\/alone\n[^]*pod\/web-/ },
  {
    args: ['describe', 'deploy', 'web'],
    says: /^Name: +web\nNamespace: +\$ns\n[^]*\nReplicas: +2 desired \| 2 updated \| 2 total \| 2 available \| 0 unavailable\n[^]*ScalingReplicaSet/,
  },
  { args: ['describe', 'svc', 'web'], says: /\nEndpoints: +10\.244\.\S+:80,10\.244\.\S+:80\n/, isAwaited: true },
  { args: ['describe', 'pod', 'alone'], says: /^Name: +alone\n[^]*\nNode: +w\d[^]*\nQoS Class: +BestEffort\n/ },
  { args: ['describe', 'node', 'w1'], says: /^Name: +w1\n[^]*\nAllocated resources:\n/ },
  { args: ['describe', 'namespace', '$ns'], says: /\nStatus: +Active\n/ },
  { args: ['describe', 'serviceaccount', 'robot'], says: /^Name: +robot\n/ },
  { args: ['describe', 'secret', 'key'], says: /\na: +1 bytes\n/ },
  { args: ['describe', 'role', 'look'], says: /pods\/log +\[\] +\[\] +\[get list\]/ },
  { args: ['get', 'events', '--sort-by=.metadata.creationTimestamp'], says: /ScalingReplicaSet +deployment\/web/ },
  { args: ['events', '--for', 'deployment/web'], since: 26, says: /ScalingReplicaSet/ },
  { args: ['explain', 'deployment.spec.strategy'], says: /rollingUpdate/ },
  { args: ['explain', 'pod', '--recursive'], says: /terminationGracePeriodSeconds/ },
  {
    args: ['api-resources', '--namespaced=true', '-o', 'name'],
    says: /^bindings\nconfigmaps\n[^]*\ndeployments.apps\n/,
  },
  {
    args: ['api-resources', '--api-group=apps', '--verbs=list', '-o', 'wide'],
    says: /deployments +deploy +(apps|apps\/v1) +true +Deployment/,
  },
  { args: ['api-versions'], says: /^[^]*apps\/v1\n[^]*\nv1\n$/ },
  { args: ['version', '-o', 'json'], says: /"serverVersion": \{[^]*"gitVersion": "v1\.\d+/ },
  { args: ['cluster-info'], says: /is running at/ },
  { args: ['auth', 'can-i', 'create', 'deployments.apps'], says: /^yes\n$/ },
  {
    args: ['auth', 'can-i', 'get', 'pods', '--subresource=log', '--as=system:serviceaccount:$ns:robot'],
    says: /^yes\n$/,
  },
  { args: ['auth', 'can-i', 'delete', 'pods', '--as=system:serviceaccount:$ns:robot'], fails: /^$/ },
  {
    args: ['auth', 'can-i', '--list', '--as=system:serviceaccount:$ns:robot'],
    says: /\ndeployments.apps +\[\] +\[\] +\[get list\]\n/,
  },
  { args: ['auth', 'whoami', '-o', 'jsonpath={.status.userInfo.username}'], since: 28, says: /^kubernetes-admin$/ },
  { args: ['create', 'token', 'robot', '--duration=10m'], since: 24, says: /^ey\w+\.ey\w+\.[\w-]+$/ },
];

const CHANGING: readonly KubectlCommand[] = [
  { args: ['diff', '-f', '-'], input: SETTINGS.replace('"1"', '"2"'), fails: /^$/ }, // exit code 1: they differ
  { args: ['diff', '-f', '-'], input: SETTINGS, says: /^$/ },
  { args: ['label', 'cm', 'settings', 'team=a'], says: /configmap\/settings labeled/ },
  { args: ['label', 'cm', 'settings', 'team=b'], fails: /already has a value \(a\), and --overwrite is false/ },
  { args: ['label', 'cm', 'settings', 'team=b', '--overwrite'], says: /labeled/ },
  { args: ['annotate', 'cm', 'settings', 'why=because'], says: /annotated/ },
  {
    args: ['edit', 'cm', 'settings'],
    env: { KUBE_EDITOR: 'sed -i s/team:.*/team:\\ edited/' },
    says: /configmap\/settings edited/,
  },
  {
    args: ['get', 'cm', 'settings', '-o', 'jsonpath={.metadata.labels.team},{.metadata.annotations.why}'],
    says: /^edited,because$/,
  },
  { args: ['edit', 'cm', 'settings'], env: { KUBE_EDITOR: 'true' }, whispers: /cancelled, no changes made/ },
  {
    args: ['patch', 'cm', 'settings', '--type=merge', '-p', '{"data":{"a":null,"b":"2"}}'],
    says: /configmap\/settings patched\n$/,
  },
  {
    args: [
      'patch',
      'cm',
      'settings',
      '--type=json',
      '-p',
      '[{"op":"test","path":"/data/b","value":"2"},{"op":"add","path":"/data/c","value":"3"}]',
    ],
    says: /patched\n$/,
  },
  {
    args: ['patch', 'cm', 'settings', '--type=json', '-p', '[{"op":"test","path":"/data/b","value":"9"}]'],
    fails:
      /testing value \/data\/b failed|the server rejected our request due to an error in our request|The request is invalid/,
  },
  { args: ['get', 'cm', 'settings', '-o', 'jsonpath={.data}'], says: /^\{"b":"2","c":"3"\}$/ },
  {
    args: [
      'patch',
      'deploy',
      'web',
      '-p',
      '{"spec":{"template":{"spec":{"containers":[{"name":"main","env":[{"name":"A","value":"b"}]}]}}}}',
    ],
    says: /patched\n$/,
  },
  {
    args: [
      'get',
      'deploy',
      'web',
      '-o',
      'jsonpath={.spec.template.spec.containers[0].image},{.spec.template.spec.containers[0].env[0].name}',
    ],
    says: /^one,A$/,
  },
  { args: ['set', 'image', 'deploy/web', 'main=two'], says: /image updated/ },
  { args: ['set', 'env', 'deploy/web', 'A-', 'C=d'], says: /env updated/ },
  { args: ['set', 'resources', 'deploy/web', '--requests=cpu=10m'], says: /resource requirements updated/ },
  { args: ['rollout', 'status', 'deploy/web', '--timeout=60s'], says: /successfully rolled out/ },
  { args: ['rollout', 'history', 'deploy/web'], says: /^deployment.apps\/web.*\nREVISION +CHANGE-CAUSE\n1 +first\n/ },
  { args: ['rollout', 'history', 'deploy/web', '--revision=1'], says: /Image:\s+one/ },
  { args: ['rollout', 'undo', 'deploy/web', '--to-revision=1'], says: /deployment.apps\/web rolled back/ },
  { args: ['rollout', 'status', 'deploy/web', '--timeout=60s'], says: /successfully rolled out/ },
  { args: ['rollout', 'pause', 'deploy/web'], says: /paused/ },
  { args: ['rollout', 'resume', 'deploy/web'], says: /resumed/ },
  { args: ['rollout', 'restart', 'deploy/web'], says: /restarted/ },
  { args: ['scale', 'deploy/web', '--replicas=3', '--current-replicas=2'], says: /scaled/ },
  { args: ['scale', 'deploy/web', '--replicas=3', '--current-replicas=7'], fails: /Expected replicas to be 7, was 3/ },
  { args: ['wait', 'deploy/web', '--for=condition=Available', '--timeout=60s'], says: /condition met/ },
  {
    args: ['wait', 'deploy/web', '--for=jsonpath={.status.readyReplicas}=3', '--timeout=60s'],
    since: 23,
    says: /condition met/,
  },
  { args: ['cordon', 'w2'], says: /node\/w2 (already )?cordoned/ },
  { args: ['uncordon', 'w2'], says: /node\/w2 (already )?uncordoned/ },
  { args: ['taint', 'nodes', 'w1', '$ns=x:PreferNoSchedule'], says: /node\/w1 tainted/ },
  { args: ['taint', 'nodes', 'w1', '$ns:PreferNoSchedule-'], says: /node\/w1 untainted/ },
];

const REMOVING: readonly KubectlCommand[] = [
  { args: ['create', '-f', '-'], input: POD, says: /pod\/lone created/ },
  { args: ['replace', '-f', '-'], input: REPLACED.replace('"lone"', '"nobody"'), fails: /pods "nobody" not found/ },
  { args: ['replace', '--force', '-f', '-'], input: REPLACED, says: /pod "lone" deleted(.*)\npod\/lone replaced\n/ },
  { args: ['get', 'pod', 'lone', '-o', 'jsonpath={.spec.containers[0].image}'], says: /^j$/ },
  { args: ['delete', 'pod', 'lone', '--grace-period=0', '--force'], says: /pod "lone" force deleted/ },
  { args: ['delete', 'deploy', 'made', '--cascade=orphan'], says: /deployment.apps "made" deleted/ },
  { args: ['get', 'rs', '-l', 'app=made', '-o', 'name'], says: /^replicaset.apps\/made-\w+\n$/ },
  { args: ['delete', 'rs', '-l', 'app=made', '--cascade=background'], says: /deleted/ },
  { args: ['delete', 'deploy', 'web', '--cascade=foreground', '--timeout=60s'], says: /deployment.apps "web" deleted/ },
  { args: ['get', 'rs', '-o', 'name'], says: /^$/, isAwaited: true },
  { args: ['delete', 'pod', '--all', '--timeout=60s'], says: /pod "alone" deleted/ },
  { args: ['delete', '-f', '-', '--ignore-not-found'], input: web() + SERVICE, says: /^service "web" deleted/ },
  { args: ['delete', 'cm', 'nobody'], fails: /configmaps "nobody" not found/ },
  { args: ['delete', 'namespace', '$ns', '--timeout=60s'], says: /namespace "\$ns" deleted/ },
];

/** What people do with kubectl all day, in an order in which each finds what it needs. */
export const KUBECTL_COMMANDS: readonly KubectlCommand[] = [MAKING, VALIDATION, READING, CHANGING, REMOVING].flat();
