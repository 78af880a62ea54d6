// Packages the extension: node out/test/tools/packageMain.js (after a build)
import { packageVsix } from './package';

void packageVsix().then(({ file, bytes }) =>
  console.log(`${file} (${Math.ceil(bytes / 1024)} KiB)`),
);
