import { type DynamicModule, Module } from '@nestjs/common';
import { BulkPool } from './bulk-pool.js';
import { DatabaseUrl } from './database-url.js';
import { HotPool } from './hot-pool.js';
import { PrismaService } from './prisma.service.js';

@Module({})
export class DatabaseModule {
  static at(url: string): DynamicModule {
    return {
      module: DatabaseModule,
      global: true,
      providers: [{ provide: DatabaseUrl, useValue: new DatabaseUrl(url) }, PrismaService, HotPool, BulkPool],
      exports: [DatabaseUrl, PrismaService, HotPool, BulkPool],
    };
  }
}
