// node scripts/bundle.mjs, a step of the build: makes of the compiled modules in build/ and of the packages they use one script,
// dist/server.cjs, and compiles it (docs/adr/0014-one-script.md). Looking for nine thousand files took two seconds of every start.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const root = fileURLToPath(new URL('../', import.meta.url));
const modules = path.join(root, 'build');
const output = path.join(root, 'dist');

/** Found in node_modules when they are needed: machine code, and what a package reads from beside itself. */
const EXTERNAL = [/^@node-rs\/argon2/, 'msgpackr-extract', /query_compiler_fast_bg/, 'swagger-ui-dist'];

/** Our own modules: with the compiler's maps, so that stacks name lines of src/, and each at the address that it had. */
const ownModules = {
  name: 'own-modules',
  load(file) {
    if (!file.startsWith(modules + path.sep)) return null;
    const address = `./${path.relative(modules, file).split(path.sep).join('/')}`;
    const code = readFileSync(file, 'utf8').replaceAll(
      'import.meta.url',
      `new URL(${JSON.stringify(address)}, import.meta.url).href`,
    );
    return { code, map: existsSync(`${file}.map`) ? readFileSync(`${file}.map`, 'utf8') : null };
  },
};

/** With maps of packages too, the first error would keep the server busy for more than a second. */
const unmappedPackages = {
  name: 'unmapped-packages',
  transform: { filter: { id: /node_modules/ }, handler: (code) => ({ code, map: { mappings: '' } }) },
};

/** It asks for class-validator through a `require` that it makes, and would get another copy than everybody else. */
const mappedTypes = {
  name: 'mapped-types',
  transform: {
    filter: { id: /mapped-types[\\/]dist[\\/]type-helpers\.utils\.js$/ },
    handler: (code) => ({ code: code.replace('const require = createRequire(import.meta.url);', ''), map: null }),
  },
};

rmSync(output, { recursive: true, force: true });
const bundle = await rolldown({
  cwd: root,
  input: { server: path.join(modules, 'main.js') },
  platform: 'node',
  // Decorators work by their effects: what looks unused may be what Nest injects.
  treeshake: false,
  external: EXTERNAL,
  plugins: [ownModules, mappedTypes, unmappedPackages],
  onLog(level, log, report) {
    // Optional parts of Nest, which looks for them when it needs them.
    if (log.code !== 'UNRESOLVED_IMPORT') report(level, log);
  },
});
await bundle.write({
  dir: output,
  entryFileNames: '[name].cjs',
  format: 'cjs',
  // What is imported dynamically is in the same file, and runs when it is asked for.
  codeSplitting: false,
  // A script whose compiled code was kept cannot use `import()`.
  dynamicImportInCjs: false,
  // Nest and the API's description go by the names of classes.
  keepNames: true,
  // Not even code without effect is left out: to it, the function that is the script would be just that.
  minify: false,
  sourcemap: true,
  sourcemapExcludeSources: true,
  // What `require` puts around a file; put here, ten megabytes need not be copied for it at every start.
  banner: '(function (exports, require, module, __filename, __dirname) {',
  footer: '})',
});
await bundle.close();

const launcher = path.join(output, 'main.js');
copyFileSync(fileURLToPath(new URL('./lib/launcher.mjs', import.meta.url)), launcher);
const compiling = spawn(process.execPath, [launcher, '--compile-only'], { stdio: 'inherit' });
[process.exitCode] = await once(compiling, 'exit');
