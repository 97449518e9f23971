import { NEVER_GRANTED } from '../../core/catalogue/permission.ts';
import type { YamlPath } from '../sources/yaml-file.ts';

const SECRET_WORD =
  /(?:api|private|client|secret|access)[_-]?key|secret|passw|passphrase|pem$|token|credential/i;

/** What to do about an unknown key that people put into the file for a reason. `name` is the key with its path. */
export function sentenceForKey(name: string, key: string): string | undefined {
  if (
    name.endsWith(`egress.${key}`) &&
    /proxy|url|user|passw|address|host/i.test(key) &&
    key !== 'localAddress'
  )
    return egressProxySentence(name);
  if (/redis/i.test(key)) {
    return `${name} does not belong here: set BINANCE_PROXY_REDIS_URL in the environment, because the address may hold a password.`;
  }
  if (/audit[_-]?key/i.test(key) || (key === 'key' && name.endsWith('audit.key'))) {
    return `${name} is a secret, and secrets never stand in this file: set BINANCE_PROXY_AUDIT_KEY or BINANCE_PROXY_AUDIT_KEY_FILE in the environment.`;
  }
  if (/public[_-]?key/i.test(key) && name.startsWith('clients.')) {
    return `${name} does not belong here: set <envPrefix>_CLIENT_PUBLIC_KEY in the environment (or the same name with _FILE).`;
  }
  if (!SECRET_WORD.test(key) && key !== 'key') return undefined;
  const variables = name.startsWith('clients.')
    ? '<envPrefix>_CLIENT_KEY and <envPrefix>_CLIENT_SECRET'
    : '<envPrefix>_API_KEY and <envPrefix>_API_SECRET or <envPrefix>_PRIVATE_KEY';
  return `${name} looks like a secret, and secrets never stand in this file: remove it and set ${variables} in the environment (each also with _FILE).`;
}

/** Why a refused value cannot be had, where the rule alone would leave one guessing. */
export function sentenceForValue(name: string, path: YamlPath, value: unknown): string | undefined {
  const isEgress = path.at(-1) === 'egress' || path.at(-2) === 'egress';
  if (isEgress && typeof value === 'string' && value.includes('://')) return egressProxySentence(name);
  const list = path.at(-2);
  if (list === 'permissions') {
    const permission = NEVER_GRANTED.find((candidate) => candidate === value);
    if (permission !== undefined) {
      return `${name} asks for ${permission}, whose endpoints stand on the built-in denylist: no configuration grants it, so remove it.`;
    }
  }
  const isAmount = list === 'maxNotional' || list === 'maxNotionalPerDay';
  if (isAmount && typeof value === 'number' && value > 0) {
    return `${name} is a YAML number with a fraction or with too many digits, which are lost on reading: put it in quotes, such as "500.5".`;
  }
  return undefined;
}

/** The URL of an egress proxy holds a user name and a password more often than not. */
function egressProxySentence(name: string): string {
  return `${name} is no place for the address of a proxy, which may hold a password: set <envPrefix>_EGRESS_PROXY in the environment (or the same name with _FILE), and give egress that envPrefix.`;
}
