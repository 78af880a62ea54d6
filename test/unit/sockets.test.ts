import assert from 'node:assert/strict';
import * as os from 'node:os';
import * as path from 'node:path';
import { UserError } from '../../src/base/errors';
import {
  checkSocketPath,
  MAX_SOCKET_PATH_BYTES,
  pipeAddress,
  socketAddress,
} from '../../src/base/sockets';

describe('the address of a named pipe', () => {
  it('has the user in it, but not the name of the user', () => {
    const address = pipeAddress('Anna.Schmidt', 'run-0a1b');
    assert.match(address, /^\\\\\.\\pipe\\deputy-[0-9a-f]{12}-run-0a1b$/);
    assert.doesNotMatch(address, /anna|schmidt/i);
  });

  it('is the same however the user’s name is written, and another one for another user', () => {
    assert.equal(pipeAddress('Anna', 'x'), pipeAddress('ANNA', 'x'));
    assert.notEqual(pipeAddress('Anna', 'x'), pipeAddress('Anne', 'x'));
    assert.notEqual(pipeAddress('Anna', 'x'), pipeAddress('Anna', 'y'));
  });

  it('is what sockets have on Windows, however long the path of the folder is', () => {
    const user = os.userInfo().username;
    const folder = 'C:\\'.padEnd(200, 'x');
    assert.equal(socketAddress(folder, 'run-1', 'win32'), pipeAddress(user, 'run-1'));
  });
});

describe('the path of a Unix socket', () => {
  const folderOf = (bytes: number): string => `/${'x'.repeat(bytes - 1)}`;

  it('is a file of that name in the folder', () => {
    const file = path.join('/tmp/deputy-501', 'run-1.sock');
    for (const platform of ['linux', 'darwin'] as const) {
      assert.equal(socketAddress('/tmp/deputy-501', 'run-1', platform), file);
    }
  });

  it('may have 103 bytes, and not one more', () => {
    const rest = '/a.sock'.length;
    const fits = socketAddress(folderOf(MAX_SOCKET_PATH_BYTES - rest), 'a', 'darwin');
    assert.equal(Buffer.byteLength(fits), 103);
    assert.throws(
      () => socketAddress(folderOf(MAX_SOCKET_PATH_BYTES - rest + 1), 'a', 'darwin'),
      (error) => error instanceof UserError && /TMPDIR/.test(error.message),
    );
  });

  it('is measured in bytes, not in characters', () => {
    checkSocketPath('x'.repeat(103));
    assert.throws(() => checkSocketPath('ü'.repeat(52)), UserError);
  });
});
