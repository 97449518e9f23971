import { styleText } from 'node:util';
import type { RecordedRequest } from '../../simulator/http/recorded-request.ts';
import type { Simulator } from '../../simulator/simulator.ts';
import type { DemoAnswer, DemoCall } from './demo-call.ts';

type Style = Parameters<typeof styleText>[0];
type Fact = string | number | undefined;
type AuditLine = Readonly<Record<string, Fact>>;

const WIDTH = 110;
const MASK = '•••';

/** Prints what happened to each call of the demo, side by side. */
export class DemoPrinter {
  readonly #simulator: Simulator;
  readonly #coloured: boolean;
  readonly #secrets: readonly string[];
  readonly #records: AuditLine[] = [];
  readonly #addedMs: number[] = [];
  #seen = 0;

  constructor(simulator: Simulator, coloured: boolean, secrets: readonly string[]) {
    this.#simulator = simulator;
    this.#coloured = coloured;
    this.#secrets = secrets;
  }

  /** Takes a line of the proxy's log. */
  note(line: string): void {
    this.#records.push(JSON.parse(line) as AuditLine);
  }

  introduce(proxyUrl: string, exchangeUrl: string): void {
    this.#seen = this.#simulator.requests.length;
    console.log(
      this.#style(
        'bold',
        '\nbinance-signing-proxy: apps without a secret trade through a proxy that holds it\n',
      ),
    );
    console.log(`  exchange (embedded simulator)  ${exchangeUrl}   verifies every signature strictly`);
    console.log(`  proxy                          ${proxyUrl}   the apps' base URL\n`);
  }

  show(call: DemoCall, answer: DemoAnswer): void {
    // What the proxy asks for itself comes without the name of a program.
    const received = this.#simulator.requests
      .slice(this.#seen)
      .filter(({ path, headers }) => path === call.path && headers['user-agent'] !== undefined);
    this.#seen = this.#simulator.requests.length;
    console.log(this.#style('bold', `${call.as} ${call.title}`));
    this.#row('app sent', `${call.method} ${call.path}  ${this.#mask(call.params)}`);
    if (received.length === 0) this.#row('exchange got', this.#style('yellow', 'nothing'));
    for (const request of received) this.#row('exchange got', this.#describe(request));
    const colour: Style = answer.status < 400 ? 'green' : 'red';
    this.#row(
      'came back',
      `${this.#style(colour, `${answer.status}${answer.error === undefined ? '' : ` ${answer.error}`}`)}  ${answer.text}`,
    );
    for (const record of this.#recordsOf(answer.requestId)) this.#row('audit', record);
    console.log();
  }

  summarise({ requests, withdrawals }: Simulator): void {
    const signed = requests.filter(({ security }) => security === 'SIGNED');
    const verified = signed.filter((request) => request.verified).length;
    const sorted = this.#addedMs.toSorted((left, right) => left - right);
    const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
    console.log(this.#style('bold', 'In sum'));
    console.log(
      `  ${verified} of ${signed.length} signed requests verified at the exchange; withdrawals there: ${withdrawals.length}.`,
    );
    console.log(
      `  Calls that another one answered: ${this.#shared().length}, which saved ${this.#savedWeight()} of the weight of this IP.`,
    );
    console.log(
      `  The proxy added ${median.toFixed(2)} ms to a call (median of ${sorted.length}, in a process that just started).`,
    );
  }

  /** The calls that needed none of Binance. */
  #shared(): AuditLine[] {
    return this.#records.filter(({ cache }) => cache !== undefined);
  }

  /** What they would have cost: each as much as the call that brought its answer. */
  #savedWeight(): number {
    return this.#shared().reduce((sum, { cacheOf }) => {
      const paid = this.#records.find(
        ({ requestId, weight }) => requestId === cacheOf && weight !== undefined,
      );
      return sum + Number(paid?.weight ?? 0);
    }, 0);
  }

  #describe(request: RecordedRequest): string {
    const query = request.target.split('?')[1] ?? '';
    const text = [query, request.body.toString('latin1')].filter((part) => part !== '').join('  ');
    const key = request.headers['x-mbx-apikey'] === undefined ? 'no key' : `key ${MASK}`;
    const verdict = request.verified
      ? this.#style('green', request.security === 'SIGNED' ? 'signature verified' : 'as it should be')
      : this.#style('red', 'NOT verified');
    return `${request.method} ${request.path}  ${this.#mask(text)}  ${key}  ${verdict}`;
  }

  #recordsOf(requestId: string): string[] {
    const records = this.#records.filter((record) => record.requestId === requestId);
    return records.map((record) => {
      const { event, rule, outcome, durationMs, upstreamMs, weight, orderId, cache } = record;
      const facts: [string, Fact][] = [
        ['weight', weight],
        ['shared:', cache],
        ['outcome', outcome],
        ['order', orderId],
        ['rule', rule],
      ];
      if (typeof durationMs === 'number' && typeof upstreamMs === 'number') {
        const addedMs = durationMs - upstreamMs;
        this.#addedMs.push(addedMs);
        facts.push(['added by the proxy', `${addedMs.toFixed(2)} ms`]);
      }
      const said = facts
        .filter(([, value]) => value !== undefined)
        .map(([name, value]) => `${name} ${value}`);
      return `${event}  client ${record.client}  ${said.join(', ')}`;
    });
  }

  #mask(text: string): string {
    const safe = text.replaceAll(/signature=[^&\s]+/g, `signature=${MASK}`);
    return this.#secrets.reduce((masked, secret) => masked.replaceAll(secret, MASK), safe);
  }

  #row(name: string, text: string): void {
    const line = this.#mask(text);
    console.log(
      `  ${this.#style('dim', name.padEnd(13))} ${line.length > 2 * WIDTH ? `${line.slice(0, 2 * WIDTH)} …` : line}`,
    );
  }

  #style(style: Style, text: string): string {
    return this.#coloured ? styleText(style, text) : text;
  }
}
