import type { Bucket, CallCharge } from './buckets.ts';

/** Stands between the key of what is counted by IP and the egress that it is counted on; no other part has it. */
const AT = '@';
const BY_IP = 'ip:';

/** A charge on an egress of its own: what is counted and frozen by IP there is nobody else's. */
export function chargedAt(charge: CallCharge, egress: string | undefined): CallCharge {
  if (egress === undefined) return charge;
  return {
    ...charge,
    charges: charge.charges.map((each) =>
      each.bucket.scope === 'ip' ? { ...each, bucket: bucketAt(each.bucket, egress) } : each,
    ),
    freezeKeys: charge.freezeKeys.map((key) => keyAt(key, egress)),
  };
}

/** The same key on an egress of its own. */
export function keyAt(key: string, egress: string | undefined): string {
  return egress === undefined || !key.startsWith(BY_IP) ? key : key + AT + egress;
}

/** The egress of a key, undefined for the one of the whole process; and the key as it is called there. */
export function readKey(key: string): { readonly key: string; readonly egress: string | undefined } {
  const at = key.startsWith(BY_IP) ? key.lastIndexOf(AT) : -1;
  return at === -1 ? { key, egress: undefined } : { key: key.slice(0, at), egress: key.slice(at + 1) };
}

function bucketAt(bucket: Bucket, egress: string): Bucket {
  return { ...bucket, key: keyAt(bucket.key, egress), egress };
}
