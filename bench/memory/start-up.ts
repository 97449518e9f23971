import { memoryMb } from '../support/programs.ts';
import { imageOf, type ProxyOptions, startProxy } from '../support/proxy.ts';
import { median } from '../support/tables.ts';

export interface StartUp {
  /** From the start of the process to the first call that was answered, ms. */
  readonly ms: number;
  /** Resident memory then, in MB. */
  readonly rssMb: number;
}

/** Starts the image's command some times: how long until it serves, and what it then takes. */
export async function measureStartUp(folder: string, options: ProxyOptions, times: number): Promise<StartUp> {
  const ms: number[] = [];
  const rss: number[] = [];
  imageOf(folder);
  for (let i = 0; i < times; i++) {
    const begun = performance.now();
    const { program } = await startProxy(folder, options);
    ms.push(performance.now() - begun);
    if (program === undefined) continue;
    rss.push(memoryMb(program.pid).rss);
    await program.stop();
  }
  return { ms: median(ms) ?? 0, rssMb: median(rss) ?? 0 };
}
