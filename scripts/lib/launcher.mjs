// dist/main.js: runs the server, which the build has put into one script beside this file (docs/adr/0014-one-script.md).
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire, SourceMap } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import vm from 'node:vm';

const file = fileURLToPath(new URL('./server.cjs', import.meta.url));
const compiledFile = `${file}.compiled`;
const folder = path.dirname(file);

/** Runs the script without compiling it, when this is the Node that the build was made with; else it is compiled again. */
const script = new vm.Script(readFileSync(file, 'utf8'), {
  filename: file,
  cachedData: existsSync(compiledFile) ? readFileSync(compiledFile) : undefined,
});
nameSourcesInStacks();
const module = { exports: {} };
script.runInThisContext()(module.exports, createRequire(file), module, file, folder);

if (process.argv[2] === '--compile-only') {
  // What was used until now is compiled and kept: all that modules do when they are loaded.
  await module.exports.application();
  writeFileSync(compiledFile, script.createCachedData());
} else {
  await module.exports.run();
}

/** Stacks name lines of src/, as with --enable-source-maps, which does not see scripts. The map is read when it is first needed. */
function nameSourcesInStacks() {
  let map;
  const sourceOf = (place, line, column) => {
    map ??= new SourceMap(JSON.parse(readFileSync(`${file}.map`, 'utf8')));
    const { generatedLine, originalSource, originalLine, originalColumn } = map.findEntry(line - 1, column - 1);
    // Lines of packages have no entries: what was found belongs to a line before them.
    if (generatedLine !== line - 1) return place;
    return `${path.resolve(folder, originalSource)}:${originalLine + 1}:${originalColumn + 1}`;
  };
  const places = new RegExp(`${file.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')}:(\\d+):(\\d+)`, 'g');
  Error.prepareStackTrace = (error, frames) => {
    const lines = frames.map((frame) => `\n    at ${frame}`.replace(places, sourceOf));
    return `${Error.prototype.toString.call(error)}${lines.join('')}`;
  };
}
