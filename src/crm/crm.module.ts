import { type DynamicModule, Module, type ModuleMetadata } from '@nestjs/common';
import { TenantsModule } from '../tenants/tenants.module.js';
import { BookingStore } from './booking.store.js';
import { BookingChanger } from './booking-changer.js';
import { ChangePublisher } from './change-publisher.js';
import { ContactStore } from './contact.store.js';
import { ContactBelongingsStore } from './contact-belongings.store.js';
import { ContactChanger } from './contact-changer.js';
import { ContactCountStore } from './contact-count.store.js';
import { ContactFilterReader } from './contact-filter-reader.js';
import { ContactListStore } from './contact-list.store.js';
import { ContactTotalsStore } from './contact-totals.store.js';
import { ContactViewStore } from './contact-view.store.js';
import { ConversationStore } from './conversation.store.js';
import { ConversationRecorder } from './conversation-recorder.js';
import { CrmWriter } from './crm-writer.js';
import { CustomFieldStore } from './custom-field.store.js';
import { CustomFieldTyper } from './custom-field-typer.js';
import { DealStore } from './deal.store.js';
import { DealChanger } from './deal-changer.js';
import { DealStageStore } from './deal-stage.store.js';
import { InvoiceStore } from './invoice.store.js';
import { InvoiceChanger } from './invoice-changer.js';
import { MessageStore } from './message.store.js';
import { OutgoingMessages } from './outgoing-messages.js';
import { PartyContactStore } from './party-contact.store.js';
import { PartyContacts } from './party-contacts.js';
import { QrCodeStore } from './qr-code.store.js';
import { QrCodeChanger } from './qr-code-changer.js';
import { TagStore } from './tag.store.js';
import { ToolStore } from './tool.store.js';

const CONTACTS = [
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
];

/** What belongs to contacts: a store for each, and who changes it inside a transaction. */
const BELONGINGS = [
  ContactTotalsStore,
  ToolStore,
  BookingStore,
  BookingChanger,
  QrCodeStore,
  QrCodeChanger,
  ConversationStore,
  MessageStore,
  ConversationRecorder,
  OutgoingMessages,
  PartyContactStore,
  PartyContacts,
  DealStore,
  DealStageStore,
  DealChanger,
  InvoiceStore,
  InvoiceChanger,
];

const SHARED = [...CONTACTS, ...BELONGINGS, ChangePublisher, CrmWriter];

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
