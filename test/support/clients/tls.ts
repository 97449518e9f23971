import { connect } from 'node:tls';

export interface TlsAnswer {
  readonly status: number;
  readonly head: string;
  readonly json: { readonly code?: number; readonly msg?: string; readonly [name: string]: unknown };
}

/** Writes bytes over TLS, whose certificate has to be right for `servername`, and reads until the other side closes. */
export function sendOverTls(
  port: number,
  bytes: string,
  { ca, servername = 'api.binance.com' }: { readonly ca: string; readonly servername?: string },
): Promise<TlsAnswer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, ca, servername, ALPNProtocols: ['http/1.1'] });
    let answer = '';
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString('latin1');
    });
    socket.on('close', () => {
      const [head = '', body = ''] = answer.split('\r\n\r\n');
      const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? 0);
      resolve({ status, head, json: body.startsWith('{') ? (JSON.parse(body) as TlsAnswer['json']) : {} });
    });
    socket.on('error', reject);
    socket.write(bytes);
  });
}
