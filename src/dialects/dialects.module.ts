import { type DynamicModule, Module, type ModuleMetadata } from '@nestjs/common';
import { CrmContactsController } from './crm-contacts.controller.js';
import { CrmSubscriptionsController } from './crm-subscriptions.controller.js';
import { FlowKickExportsController } from './flowkick-exports.controller.js';
import { FlowKickUserPresenter } from './flowkick-user-presenter.js';
import { FlowKickUsersController } from './flowkick-users.controller.js';
import { FlowKickWebhooksController } from './flowkick-webhooks.controller.js';
import { ProviderPathsController } from './provider-paths.controller.js';

/** The paths and shapes of the documented systems, thin, over the native services. */
@Module({})
export class DialectsModule {
  static over(imports: NonNullable<ModuleMetadata['imports']>): DynamicModule {
    return {
      module: DialectsModule,
      imports,
      controllers: [
        FlowKickWebhooksController,
        FlowKickUsersController,
        FlowKickExportsController,
        CrmSubscriptionsController,
        CrmContactsController,
        ProviderPathsController,
      ],
      providers: [FlowKickUserPresenter],
    };
  }
}
