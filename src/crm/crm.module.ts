import { type DynamicModule, Module, type ModuleMetadata } from '@nestjs/common';
import { TenantsModule } from '../tenants/tenants.module.js';
import { ChangePublisher } from './change-publisher.js';
import { ContactStore } from './contact.store.js';
import { ContactBelongingsStore } from './contact-belongings.store.js';
import { ContactChanger } from './contact-changer.js';
import { ContactCountStore } from './contact-count.store.js';
import { ContactFilterReader } from './contact-filter-reader.js';
import { ContactListStore } from './contact-list.store.js';
import { ContactViewStore } from './contact-view.store.js';
import { CrmWriter } from './crm-writer.js';
import { CustomFieldStore } from './custom-field.store.js';
import { CustomFieldTyper } from './custom-field-typer.js';
import { InvoiceStore } from './invoice.store.js';
import { TagStore } from './tag.store.js';

const SHARED = [
  ContactStore,
  ContactViewStore,
  ContactListStore,
  ContactBelongingsStore,
  ContactCountStore,
  ContactChanger,
  ContactFilterReader,
  TagStore,
  CustomFieldStore,
  CustomFieldTyper,
  InvoiceStore,
  ChangePublisher,
  CrmWriter,
];

/** What a tenant knows of its customers: contacts and what belongs to them. */
@Module({})
export class CrmModule {
  /** @param flow the modules with the outbound flow and the background jobs */
  static over(flow: NonNullable<ModuleMetadata['imports']>): DynamicModule {
    return {
      module: CrmModule,
      imports: [TenantsModule, ...flow],
      providers: SHARED,
      exports: SHARED,
    };
  }
}
