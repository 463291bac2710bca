import { type DynamicModule, Module, type ModuleMetadata } from '@nestjs/common';
import { TenantsModule } from '../tenants/tenants.module.js';
import { ChangePublisher } from './change-publisher.js';
import { ContactStore } from './contact.store.js';
import { ContactViewStore } from './contact-view.store.js';
import { CrmWriter } from './crm-writer.js';
import { InvoiceStore } from './invoice.store.js';

/** What a tenant knows of its customers: contacts and what belongs to them. */
@Module({})
export class CrmModule {
  /** @param flow the modules with the outbound flow and the background jobs */
  static over(flow: NonNullable<ModuleMetadata['imports']>): DynamicModule {
    return {
      module: CrmModule,
      imports: [TenantsModule, ...flow],
      providers: [ContactStore, ContactViewStore, InvoiceStore, ChangePublisher, CrmWriter],
      exports: [ContactStore, ContactViewStore, InvoiceStore, ChangePublisher, CrmWriter],
    };
  }
}
