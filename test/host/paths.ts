import * as fs from 'node:fs';
import * as path from 'node:path';

/**
 * The root of the repository: the nearest folder above this file that holds `package.json` and
 * `esbuild.mjs`. Works from the sources and from any bundle below `out/`.
 * @throws {Error} when the bundle was moved out of the repository
 */
export function repoRoot(): string {
  let folder = __dirname;
  for (;;) {
    if (
      fs.existsSync(path.join(folder, 'package.json')) &&
      fs.existsSync(path.join(folder, 'esbuild.mjs'))
    ) {
      return folder;
    }
    const parent = path.dirname(folder);
    if (parent === folder) throw new Error(`${__dirname} is not inside the repository.`);
    folder = parent;
  }
}

/** Where downloads and everything made from them are kept between runs; ignored by git. */
export function cacheFolder(): string {
  return path.join(repoRoot(), '.vscode-test');
}

/** The built file of a test source, for example `built('host', 'guardian')`. */
export function built(folder: string, name: string): string {
  return path.join(repoRoot(), 'out', 'test', folder, `${name}.js`);
}
