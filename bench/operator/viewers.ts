import { type IncomingMessage, request } from 'node:http';

/** So many viewers of the stream of records: `node viewers.ts PORT TOKEN COUNT`. Says at its end what came, as JSON. */
const [port = '', token = '', count = '8'] = process.argv.slice(2);
let bytes = 0;
let missed = 0;

for (let number = 0; number < Number(count); number++) {
  const headers = { authorization: `Bearer ${token}`, accept: 'text/event-stream' };
  const asked = request(
    { host: '127.0.0.1', port: Number(port), path: '/operator/events', headers, agent: false },
    take,
  );
  asked.on('error', () => {});
  asked.end();
}

function take(answer: IncomingMessage): void {
  if (answer.statusCode !== 200) throw new Error(`a viewer got ${answer.statusCode}`);
  let rest = '';
  answer.setEncoding('latin1').on('data', (chunk: string) => {
    bytes += chunk.length;
    for (const [, lost] of (rest + chunk).matchAll(/event: missed\ndata: (\d+)\n/g)) missed += Number(lost);
    rest = chunk.slice(-40);
    if (/event: missed\ndata: \d+\n/.test(rest)) rest = '';
  });
}

process.on('SIGTERM', () => {
  process.stdout.write(JSON.stringify({ bytes, missed }));
  process.exit(0);
});
setTimeout(() => process.exit(1), 120_000);
