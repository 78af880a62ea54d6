import * as fs from 'node:fs/promises';

/** Memory of a process in bytes. */
export interface Memory {
  readonly rss: number;
  readonly pss: number;
}

/** What a process takes now; undefined where it cannot be known. */
export async function memoryOf(pid: number): Promise<Memory | undefined> {
  const text = await fs.readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '');
  const bytes = (name: string): number | undefined => {
    const kilobytes = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  };
  const [rss, pss] = [bytes('Rss'), bytes('Pss')];
  return rss === undefined || pss === undefined ? undefined : { rss, pss };
}
