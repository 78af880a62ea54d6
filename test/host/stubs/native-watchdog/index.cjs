// Stands in for @vscode/native-watchdog. The extension host already looks every second whether its
// parent lives; the native thread only matters while the event loop is stuck.
const process = require('node:process');

exports.start = () => undefined;
exports.exit = (code) => process.reallyExit(code || 0);
