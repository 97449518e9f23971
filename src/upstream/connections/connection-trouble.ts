/** Why Binance could not be asked. */
export interface ConnectionCause {
  /** The code of Node, OpenSSL or the proxy; undefined where the error has none. */
  readonly code: string | undefined;
  readonly kind: 'name' | 'refused' | 'timeout' | 'certificate' | 'network' | 'answer';
  /** One sentence without its full stop: what happened and what to do. */
  readonly what: string;
}

const CA_FILE = 'BINANCE_PROXY_UPSTREAM_CA_FILE';

/** What OpenSSL says of a chain that ends at an authority which this machine does not know. */
const UNTRUSTED = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'CERT_UNTRUSTED',
]);
const OUT_OF_TIME = new Set(['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID']);
const NO_NAME = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL', 'EAI_NONAME', 'EAI_NODATA']);
const NO_WAY = new Set(['ENETUNREACH', 'EHOSTUNREACH', 'ENETDOWN', 'EADDRNOTAVAIL', 'EACCES', 'EPERM']);
const TIMEOUT = /TIMEDOUT|TIMEOUT/;
const TLS = /^(?:ERR_TLS_|ERR_SSL_|CERT_|EPROTO$)/;

/** Turns the error of a call to Binance into its cause. */
export function causeOf(error: unknown): ConnectionCause {
  const code = codeIn(error);
  if (error instanceof SyntaxError) return { code, kind: 'answer', what: 'the answer is no JSON' };
  if (code === undefined) {
    const what =
      error instanceof Error && error.message !== '' ? error.message.replace(/\.$/, '') : 'no answer';
    return { code, kind: 'answer', what };
  }
  return { code, ...explain(code) };
}

function explain(code: string): Omit<ConnectionCause, 'code'> {
  if (UNTRUSTED.has(code)) {
    const what = `the certificate was signed by an authority that this machine does not trust (${code}), as where a company opens TLS on the way: set ${CA_FILE} to the PEM file of that authority`;
    return { kind: 'certificate', what };
  }
  if (OUT_OF_TIME.has(code)) {
    const what = `the certificate is not valid at the time of this machine (${code}): look at the clock of this machine first`;
    return { kind: 'certificate', what };
  }
  if (TLS.test(code)) {
    const what = `TLS failed (${code}): something that is not Binance answered, look at what stands on the way and at BINANCE_PROXY_UPSTREAM_* if any is set`;
    return { kind: 'certificate', what };
  }
  if (NO_NAME.has(code)) {
    const what = `its name could not be resolved (${code}): check the network and the DNS of this machine`;
    return { kind: 'name', what };
  }
  if (code === 'ECONNREFUSED') {
    const what = `nobody accepts connections there (${code}): check a firewall on the way, and BINANCE_PROXY_UPSTREAM_SPOT if it is set`;
    return { kind: 'refused', what };
  }
  if (TIMEOUT.test(code)) {
    const what = `no answer came in time (${code}): check the network and a firewall on the way`;
    return { kind: 'timeout', what };
  }
  if (NO_WAY.has(code)) {
    const what = `there is no way to it from this machine (${code}): check the network and a firewall on this machine`;
    return { kind: 'network', what };
  }
  return {
    kind: 'network',
    what: `the connection failed (${code}): check the network and a firewall on the way`,
  };
}

/** The code of the error, or of the first cause that has one: a pool hides that of its connection. */
function codeIn(error: unknown): string | undefined {
  const seen = new Set<unknown>();
  let first: string | undefined;
  for (let each = error; each instanceof Error && !seen.has(each); each = each.cause) {
    seen.add(each);
    const inner = each instanceof AggregateError ? codeIn(each.errors[0]) : undefined;
    const { code } = each as NodeJS.ErrnoException;
    const own = typeof code === 'string' && code !== '' ? code : undefined;
    if (inner !== undefined) return inner;
    if (own !== undefined && !own.startsWith('UND_ERR_')) return own;
    first ??= own;
  }
  return first;
}
