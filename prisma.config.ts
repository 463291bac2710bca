import { defineConfig } from 'prisma/config';

// Only the Prisma CLI reads this; the application has its own configuration in src/config/env.ts.
export default defineConfig({
  schema: 'prisma/schema.prisma',
  migrations: { path: 'prisma/migrations' },
  datasource: { url: process.env.DATABASE_URL ?? 'postgresql://localhost:5432/posthaste' },
});
