// The directions of ARCHITECTURE.md: main → app.module → features → infrastructure → core.
const infrastructure = '^src/(config|database|queue|http|observability)/';
const feature = '^src/(?!core/|config/|database/|queue/|http/|observability/|generated/)[^/]+/';
const spec = '\\.spec\\.ts$';

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'core-is-pure',
      comment:
        'core/ decides; it does no I/O and knows no framework, so it imports itself, node:crypto and node:net only.',
      severity: 'error',
      from: { path: '^src/core/', pathNot: spec },
      to: { pathNot: ['^src/core/', '^(node:)?(crypto|net)$', 'node_modules/ipaddr\\.js/'] },
    },
    {
      name: 'ipaddr-only-in-url-policy',
      severity: 'error',
      from: { path: '^src/core/', pathNot: '^src/core/url-policy' },
      to: { path: 'node_modules/ipaddr\\.js/' },
    },
    {
      name: 'infrastructure-knows-no-feature',
      severity: 'error',
      from: { path: infrastructure, pathNot: spec },
      to: { path: feature },
    },
    {
      name: 'nothing-imports-the-composition',
      comment: 'main starts app, which app.module puts together; nothing below knows them.',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/(main|app|app\\.module)\\.ts$', spec] },
      to: { path: '^src/(main|app|app\\.module)\\.ts$' },
    },
    {
      name: 'prisma-only-in-stores',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/(database|generated)/', '\\.store\\.ts$', spec] },
      to: { path: ['^src/generated/', 'node_modules/(@prisma|\\.prisma)/'] },
    },
    {
      name: 'bullmq-only-at-the-queue',
      comment: 'database/migrate also creates the schema of its Postgres backend.',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/queue/', '\\.(queue|worker)\\.ts$', '^src/database/migrate\\.ts$', spec] },
      to: { path: 'node_modules/bullmq/' },
    },
    {
      name: 'nest-bullmq-only-at-the-queue',
      comment: 'A feature module may register its queue.',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/queue/', '\\.(queue|worker|module)\\.ts$', spec] },
      to: { path: 'node_modules/@nestjs/bullmq/' },
    },
    {
      name: 'no-circles',
      severity: 'error',
      from: { pathNot: '^src/generated/' },
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-dead-files',
      comment: 'Every source file is reached from a program.',
      severity: 'error',
      from: { path: '^src/(main|cli/main)\\.ts$' },
      to: { path: '^src/', pathNot: ['^src/generated/', spec], reachable: false },
    },
    {
      name: 'no-development-packages',
      severity: 'error',
      from: { path: '^src/', pathNot: spec },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'no-tests-in-source',
      severity: 'error',
      from: { path: '^src/', pathNot: spec },
      to: { path: ['^test/', spec] },
    },
    {
      name: 'everything-resolves',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: ['node_modules', '^src/generated'] },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    detectJSDocImports: false,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
      mainFields: ['module', 'main', 'types'],
    },
  },
};
