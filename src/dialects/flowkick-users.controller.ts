import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { invalidField } from '../core/errors.js';
import { ContactService } from '../crm/contact.service.js';
import { CurrentTenant, RequireScope } from '../tenants/access.decorator.js';
import { FlowKickUserPresenter } from './flowkick-user-presenter.js';
import { FlowKickIncludes, FlowKickUserShown, FlowKickUsers, FlowKickUsersQuery } from './flowkick-users.dto.js';

/** `/api/admin/users` as the FlowKick guide documents it, over the same contacts as the native API. */
@ApiTags('FlowKick: users')
@Controller('api/admin/users')
export class FlowKickUsersController {
  constructor(
    private readonly contacts: ContactService,
    private readonly presenter: FlowKickUserPresenter,
  ) {}

  /** List users. All filters hold at once; pages by `offset`, or by `cursor`, which is as fast on the last page as on the first. */
  @Get()
  @RequireScope('data:read')
  async list(@CurrentTenant() tenantId: string, @Query() query: FlowKickUsersQuery): Promise<FlowKickUsers> {
    const { limit, offset, cursor, sortBy, sortOrder } = query;
    if (offset !== undefined && cursor !== undefined)
      throw invalidField('?cursor', 'Give either cursor or offset: together they say two different things.');
    const order = { by: sortBy, descending: sortOrder === 'desc' };
    const { rows, hasMore, total, exact } = await this.contacts.pageOf(tenantId, query, order, {
      limit,
      offset,
      afterId: cursor,
    });
    return {
      success: true,
      users: await this.presenter.present(tenantId, rows, query),
      pagination: {
        total,
        limit,
        offset: offset ?? 0,
        hasMore,
        nextCursor: hasMore ? (rows.at(-1)?.id ?? null) : null,
        ...(!exact && { totalIsEstimate: true }),
      },
    };
  }

  /** Show a user. */
  @Get(':id')
  @RequireScope('data:read')
  async show(
    @CurrentTenant() tenantId: string,
    @Param('id') id: string,
    @Query() includes: FlowKickIncludes,
  ): Promise<FlowKickUserShown> {
    const [user] = await this.presenter.present(tenantId, [await this.contacts.get(tenantId, id)], includes);
    return { success: true, user: user! };
  }
}
