// Stands in for @vscode/spdlog: same surface, appends synchronously, never rotates.
const fs = require('node:fs');
const path = require('node:path');

const LEVELS = ['trace', 'debug', 'info', 'warning', 'error', 'critical'];
const MINUTE_MS = 60_000;

class Logger {
  constructor(_type, _name, file) {
    this.level = 2;
    this.isRaw = false;
    fs.mkdirSync(path.dirname(file), { recursive: true });
    this.descriptor = fs.openSync(file, 'a');
  }

  getLevel() {
    return this.level;
  }

  setLevel(level) {
    this.level = level;
  }

  setPattern() {}

  clearFormatters() {
    this.isRaw = true;
  }

  flush() {}

  drop() {
    if (this.descriptor === undefined) return;
    fs.closeSync(this.descriptor);
    this.descriptor = undefined;
  }

  write(level, message) {
    if (level < this.level || this.descriptor === undefined) return;
    const localMs = Date.now() - new Date().getTimezoneOffset() * MINUTE_MS;
    const time = new Date(localMs).toISOString().replace('T', ' ').replace('Z', '');
    try {
      fs.writeSync(
        this.descriptor,
        this.isRaw ? message : `${time} [${LEVELS[level]}] ${message}\n`,
      );
    } catch {
      // A full disk must not end the server for a line of its log.
    }
  }
}

LEVELS.forEach((name, level) => {
  Logger.prototype[name === 'warning' ? 'warn' : name] = function (message) {
    this.write(level, message);
  };
});

const create = async (name, file) => new Logger('rotating', name, file);

// One assignment a name: the importer is an ES module and sees only what can be detected in the text.
exports.version = 0;
exports.setLevel = () => undefined;
exports.setFlushOn = () => undefined;
exports.Logger = Logger;
exports.createRotatingLogger = create;
exports.createAsyncRotatingLogger = create;
