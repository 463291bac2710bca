import { Module } from '@nestjs/common';
import { TenantsModule } from '../tenants/tenants.module.js';
import { InboundEventController } from './inbound-event.controller.js';
import { InboundEventService } from './inbound-event.service.js';
import { InboundEventStore } from './inbound-event.store.js';

/** The inbound flow: what workflows and providers send to us. */
@Module({
  imports: [TenantsModule],
  controllers: [InboundEventController],
  providers: [InboundEventStore, InboundEventService],
})
export class InboundEventsModule {}
