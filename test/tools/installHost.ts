// Installs what the suites in a real VS Code need: node out/test/tools/installHost.js [host|ui]
// Done before a suite, so that the downloads do not count as the time of its first test.
import { ensureHost, ensureServedHost } from '../host/install';

const installed = process.argv[2] === 'ui' ? ensureServedHost() : ensureHost(console.log);

installed.catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
