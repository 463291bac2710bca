// npm run generate: the Prisma client, from prisma/schema.prisma into src/generated/prisma.
import { main } from './lib/progress.mjs';
import { ensureGenerated, ensureInstalled } from './lib/project.mjs';

await main(async () => {
  await ensureInstalled();
  await ensureGenerated({ always: true });
});
