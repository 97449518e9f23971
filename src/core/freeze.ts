/**
 * Freezes plain objects, arrays, Maps and Sets at any depth, and returns the same value. Instances of classes stay
 * unfrozen: Node writes lazily computed fields into a KeyObject.
 */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  if (value instanceof Map || value instanceof Set) {
    for (const change of ['set', 'add', 'delete', 'clear']) {
      Object.defineProperty(value, change, { value: refuseChange });
    }
    Object.freeze(value);
    for (const [key, member] of value.entries()) {
      deepFreeze(key);
      deepFreeze(member);
    }
  } else if (Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype) {
    Object.freeze(value);
    for (const member of Object.values(value)) deepFreeze(member);
  }
  return value;
}

/** Replaces the methods of a Map or Set, which can write to it although it is frozen. */
function refuseChange(): never {
  throw new TypeError('the settings are frozen: read the configuration again to change them');
}
