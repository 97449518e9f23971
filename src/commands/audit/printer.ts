import type { PrintedRecord } from '../../audit/reading/read-records.ts';
import { print } from './print.ts';
import { recordHeading, recordLine } from './record-line.ts';

/** The options that say how records are printed. */
export const FORM = { json: { type: 'boolean' }, table: { type: 'boolean' } } as const;

/** Prints records one by one: as a table on a terminal, as the JSON lines that they are otherwise. */
export class RecordPrinter {
  readonly isTable: boolean;
  readonly #isColoured = process.stdout.isTTY && !process.env.NO_COLOR;

  constructor({
    json,
    table,
  }: { readonly json?: boolean | undefined; readonly table?: boolean | undefined }) {
    this.isTable = json !== true && (table === true || process.stdout.isTTY);
  }

  /** The line above a table; nothing above JSON lines. */
  async heading(): Promise<void> {
    if (this.isTable) await print(`${recordHeading(this.#isColoured)}\n`);
  }

  async record({ record, text }: PrintedRecord): Promise<void> {
    await print(`${this.isTable ? recordLine(record, this.#isColoured) : text}\n`);
  }
}
