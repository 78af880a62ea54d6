import * as fs from 'node:fs/promises';

/**
 * One file of the event log while it is used. Whoever reads it shares one handle, which stays good when
 * the file is renamed or deleted meanwhile.
 */
export class Segment {
  private users = 0;
  private opened: Promise<fs.FileHandle> | undefined;

  /**
   * @param firstSeq `seq` of its first event; the line number of an event follows from it
   * @param file where it lies now; a segment is renamed when it is sealed
   * @param bytes length of its complete lines
   * @param isSealed nothing will be added
   */
  constructor(
    readonly firstSeq: number,
    public file: string,
    public bytes: number,
    public isSealed: boolean,
  ) {}

  /**
   * Gets its handle; {@link release} it.
   * @throws {Error} with the code ENOENT when the file was deleted
   */
  async acquire(): Promise<fs.FileHandle> {
    this.users += 1;
    this.opened ??= fs.open(this.file, 'r');
    const { opened } = this;
    try {
      return await opened;
    } catch (error) {
      this.users -= 1;
      if (this.opened === opened) this.opened = undefined;
      throw error;
    }
  }

  /** Takes over an open handle, which {@link release} closes with the others. */
  adopt(handle: fs.FileHandle): void {
    this.users += 1;
    this.opened = Promise.resolve(handle);
  }

  /** Lets go of the handle; the last one closes it. */
  async release(): Promise<void> {
    this.users -= 1;
    if (this.users > 0) return;
    const { opened } = this;
    this.opened = undefined;
    await (await opened)?.close();
  }
}
