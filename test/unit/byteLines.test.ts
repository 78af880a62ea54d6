import assert from 'node:assert/strict';
import { ByteLines } from '../../src/base/byteLines';

/** The lines of a text that comes in chunks of so many bytes, all through the same memory. */
function linesOf(text: string, chunkBytes: number, maxBytes = 1_000_000): string[] {
  const lines: string[] = [];
  const splitter = new ByteLines((line) => lines.push(line), maxBytes);
  const bytes = Buffer.from(text);
  const memory = Buffer.alloc(chunkBytes);
  for (let start = 0; start < bytes.length; start += chunkBytes) {
    const length = bytes.copy(memory, 0, start, start + chunkBytes);
    splitter.push(memory.subarray(0, length));
    memory.fill('?');
  }
  return lines;
}

describe('ByteLines', () => {
  const text = 'one\n\ntwo €😀\r\n' + 'x'.repeat(200_000) + '\nü\nno end';
  const lines = text.split('\n').slice(0, -1);

  for (const chunkBytes of [1, 2, 3, 7, 1_000, 65_536, 1_000_000]) {
    it(`finds the same lines in chunks of ${chunkBytes} bytes`, () => {
      assert.deepEqual(linesOf(text, chunkBytes), lines);
    });
  }

  it('takes a line of the longest length, and hands out an empty one for a longer', () => {
    const long = 'y'.repeat(1_000);
    assert.deepEqual(linesOf(`${long}\na\n`, 10, 1_000), [long, 'a']);
    assert.deepEqual(linesOf(`${long}y\na\n`, 10, 1_000), ['', 'a']);
  });
});
