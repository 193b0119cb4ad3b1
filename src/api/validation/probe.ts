import type { FieldError } from '../field-error.ts';
import { forbiddenField, invalid, notSupported, required } from '../field-error.ts';
import type { Container, Lifecycle, LifecycleHandler, Probe } from '../objects.ts';
import { httpHeaderName, portName, portNumber } from './names.ts';
import { NOT_NEGATIVE } from './object-meta.ts';

/** The three probes of a container; only readiness may ask for several successes. */
export function validateProbes(container: Container, at: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const name of ['livenessProbe', 'readinessProbe', 'startupProbe'] as const) {
    const probe = container[name];
    if (probe === undefined) continue;
    const path = `${at}.${name}`;
    errors.push(...validateProbe(probe, path));
    if (name === 'readinessProbe') {
      if (probe.terminationGracePeriodSeconds !== undefined)
        errors.push(
          invalid(
            `${path}.terminationGracePeriodSeconds`,
            probe.terminationGracePeriodSeconds,
            'must not be set for readinessProbes',
          ),
        );
    } else if (probe.successThreshold !== 1) {
      errors.push(invalid(`${path}.successThreshold`, probe.successThreshold, 'must be 1'));
    }
  }
  return errors;
}

function validateProbe(probe: Probe, path: string): FieldError[] {
  const errors = validateHandler(probe, path);
  const fields = [
    'initialDelaySeconds',
    'timeoutSeconds',
    'periodSeconds',
    'successThreshold',
    'failureThreshold',
  ] as const;
  for (const field of fields) {
    if ((probe[field] ?? 0) < 0) errors.push(invalid(`${path}.${field}`, probe[field], NOT_NEGATIVE));
  }
  const grace = probe.terminationGracePeriodSeconds;
  if (grace !== undefined && grace <= 0)
    errors.push(invalid(`${path}.terminationGracePeriodSeconds`, grace, 'must be greater than 0'));
  return errors;
}

/** The hooks of a container. */
export function validateLifecycle(lifecycle: Lifecycle | undefined, path: string): FieldError[] {
  if (lifecycle === undefined) return [];
  const errors: FieldError[] = [];
  if (lifecycle.postStart !== undefined) errors.push(...validateHandler(lifecycle.postStart, `${path}.postStart`));
  if (lifecycle.preStop !== undefined) errors.push(...validateHandler(lifecycle.preStop, `${path}.preStop`));
  return errors;
}

type Handler = LifecycleHandler & Pick<Probe, 'grpc'>;

/** Exactly one way of asking or acting (validateHandler). */
function validateHandler(handler: Handler, path: string): FieldError[] {
  const errors: FieldError[] = [];
  let count = 0;
  const add = (field: string, found: () => FieldError[]): void => {
    count += 1;
    if (count > 1) errors.push(forbiddenField(`${path}.${field}`, 'may not specify more than 1 handler type'));
    else errors.push(...found());
  };
  const { exec, httpGet, tcpSocket, grpc, sleep } = handler;
  if (exec !== undefined)
    add('exec', () => ((exec.command ?? []).length === 0 ? [required(`${path}.exec.command`)] : []));
  if (httpGet !== undefined) add('httpGet', () => validateHttpGet(httpGet, `${path}.httpGet`));
  if (tcpSocket !== undefined) add('tcpSocket', () => validatePort(tcpSocket.port, `${path}.tcpSocket.port`));
  if (grpc !== undefined) add('grpc', () => validatePort(grpc.port, `${path}.grpc.port`));
  if (sleep !== undefined)
    add('sleep', () => (sleep.seconds < 0 ? [invalid(`${path}.sleep`, sleep.seconds, 'must be non-negative')] : []));
  if (count === 0) errors.push(required(path, 'must specify a handler type'));
  return errors;
}

function validateHttpGet(get: NonNullable<Handler['httpGet']>, at: string): FieldError[] {
  const errors: FieldError[] = [];
  if (!get.path) errors.push(required(`${at}.path`));
  errors.push(...validatePort(get.port, `${at}.port`));
  if (get.scheme !== 'HTTP' && get.scheme !== 'HTTPS')
    errors.push(notSupported(`${at}.scheme`, get.scheme, ['HTTP', 'HTTPS']));
  for (const { name } of get.httpHeaders ?? [])
    errors.push(...httpHeaderName(name).map((why) => invalid(`${at}.httpHeaders`, name, why)));
  return errors;
}

/** A port by number or by the name of a container's port. */
export function validatePort(port: number | string | undefined, at: string): FieldError[] {
  if (typeof port === 'string') return portName(port).map((why) => invalid(at, port, why));
  return portNumber(port ?? 0).map((why) => invalid(at, port ?? 0, why));
}
