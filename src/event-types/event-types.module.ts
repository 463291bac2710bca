import { Module } from '@nestjs/common';
import { TenantsModule } from '../tenants/tenants.module.js';
import { EventCatalog } from './event-catalog.js';
import { EventTypeController } from './event-type.controller.js';
import { EventTypeStore } from './event-type.store.js';
import { SchemaValidator } from './schema-validator.js';

@Module({
  imports: [TenantsModule],
  controllers: [EventTypeController],
  providers: [EventTypeStore, EventCatalog, SchemaValidator],
  exports: [EventCatalog],
})
export class EventTypesModule {}
