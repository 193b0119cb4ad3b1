/**
 * Forms of names, with upstream's words for what breaks them (apimachinery pkg/util/validation/validation.go).
 * Each function gives the complaints about `value`: none, if it is fine.
 */

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`;
const QUALIFIED = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const LABEL_VALUE = `(${QUALIFIED})?`;
const CONFIG_KEY = '[-._a-zA-Z0-9]+';
const HTTP_HEADER = '[-A-Za-z0-9]+';

const LABEL_RE = new RegExp(`^${LABEL}$`);
const SUBDOMAIN_RE = new RegExp(`^${SUBDOMAIN}$`);
const QUALIFIED_RE = new RegExp(`^${QUALIFIED}$`);
const LABEL_VALUE_RE = new RegExp(`^${LABEL_VALUE}$`);
const CONFIG_KEY_RE = new RegExp(`^${CONFIG_KEY}$`);
const HTTP_HEADER_RE = new RegExp(`^${HTTP_HEADER}$`);

const SUBDOMAIN_WORDS =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";

/** At most `max` characters. */
function tooManyCharacters(max: number): string {
  return `must be no more than ${max} characters`;
}

/** Upstream's sentence about a regular expression, its examples joined as upstream joins them. */
function byPattern(words: string, pattern: string, ...examples: string[]): string {
  if (examples.length === 0) return `${words} (regex used for validation is '${pattern}')`;
  const list = examples.map((example) => `'${example}', `).join(' or ');
  return `${words} (e.g. ${list}regex used for validation is '${pattern}')`;
}

/** A DNS label: at most 63 of `a-z0-9-`. */
export function dns1123Label(value: string): string[] {
  const wrong = value.length > 63 ? [tooManyCharacters(63)] : [];
  if (LABEL_RE.test(value)) return wrong;
  if (SUBDOMAIN_RE.test(value)) return [...wrong, 'must not contain dots'];
  return [
    ...wrong,
    byPattern(
      "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
      LABEL,
      'my-name',
      '123-abc',
    ),
  ];
}

/** DNS labels joined by dots: at most 253 characters. */
export function dns1123Subdomain(value: string): string[] {
  const wrong = value.length > 253 ? [tooManyCharacters(253)] : [];
  if (!SUBDOMAIN_RE.test(value)) wrong.push(byPattern(SUBDOMAIN_WORDS, SUBDOMAIN, 'example.com'));
  return wrong;
}

/** A name with an optional DNS prefix before a slash: the key of a label. */
export function qualifiedName(value: string): string[] {
  const words =
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
  const parts = value.split('/');
  const wrong: string[] = [];
  const name = parts.at(-1) ?? '';
  if (parts.length > 2)
    return [
      `a valid label key ${byPattern(words, QUALIFIED, 'MyName', 'my.name', '123-abc')} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  if (parts.length === 2) {
    const [prefix = ''] = parts;
    if (prefix === '') wrong.push('prefix part must be non-empty');
    else wrong.push(...dns1123Subdomain(prefix).map((message) => `prefix part ${message}`));
  }
  if (name === '') wrong.push('name part must be non-empty');
  else if (name.length > 63) wrong.push(`name part ${tooManyCharacters(63)}`);
  if (!QUALIFIED_RE.test(name)) wrong.push(`name part ${byPattern(words, QUALIFIED, 'MyName', 'my.name', '123-abc')}`);
  return wrong;
}

/** The value of a label: empty, or at most 63 characters of a name. */
export function labelValue(value: string): string[] {
  const wrong = value.length > 63 ? [tooManyCharacters(63)] : [];
  if (!LABEL_VALUE_RE.test(value))
    wrong.push(
      byPattern(
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
        LABEL_VALUE,
        'MyValue',
        'my_value',
        '12345',
      ),
    );
  return wrong;
}

/** The name of an environment variable: since 1.34 all printable ASCII but `=` (KEP-4369). */
export function envVarName(value: string): string[] {
  if (value === '') return ['environment variable name must be non-empty'];
  if (/^[ -<>-~]+$/.test(value)) return [];
  return [
    byPattern(
      "a valid environment variable name must consist only of printable ASCII characters other than '='",
      '^[ -<>-~]+$',
    ),
  ];
}

/** A key of a ConfigMap or Secret: also a file's name, so never a way out of its folder. */
export function configMapKey(value: string): string[] {
  const wrong = value.length > 253 ? [tooManyCharacters(253)] : [];
  if (!CONFIG_KEY_RE.test(value))
    wrong.push(
      byPattern(
        "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
        CONFIG_KEY,
        'key.name',
        'KEY_NAME',
        'key-name',
      ),
    );
  if (value === '.') wrong.push("must not be '.'");
  else if (value === '..') wrong.push("must not be '..'");
  else if (value.startsWith('..')) wrong.push("must not start with '..'");
  return wrong;
}

/** The name of an HTTP header in a probe. */
export function httpHeaderName(value: string): string[] {
  if (HTTP_HEADER_RE.test(value)) return [];
  return [
    byPattern("a valid HTTP header must consist of alphanumeric characters or '-'", HTTP_HEADER, 'X-Header-Name'),
  ];
}

/** The name of a container's port (IANA service name): at most 15 of `a-z0-9-`, with a letter, no double hyphen. */
export function portName(value: string): string[] {
  const wrong: string[] = [];
  if (value.length > 15) wrong.push(tooManyCharacters(15));
  if (!/^[-a-z0-9]+$/.test(value)) wrong.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  if (!/[a-z]/.test(value)) wrong.push('must contain at least one letter (a-z)');
  if (value.includes('--')) wrong.push('must not contain consecutive hyphens');
  if (value.startsWith('-') || value.endsWith('-')) wrong.push('must not begin or end with a hyphen');
  return wrong;
}

/** 1 to 65535. */
export function portNumber(value: number): string[] {
  return value >= 1 && value <= 65_535 ? [] : ['must be between 1 and 65535, inclusive'];
}

/** A segment of a URL's path: names of RBAC objects, which may hold colons. */
export function pathSegmentName(value: string): string[] {
  if (value === '.' || value === '..') return [`may not be '${value}'`];
  const wrong: string[] = [];
  if (value.includes('/')) wrong.push("may not contain '/'");
  if (value.includes('%')) wrong.push("may not contain '%'");
  return wrong;
}
