import { defineConfig } from 'prisma/config';

export default defineConfig({
  schema: 'prisma/schema.prisma',
  // `prisma migrate` neither makes nor changes what belongs to Posthaste.
  experimental: { externalTables: true },
  tables: { external: ['public.posthaste_outbox'] },
});
