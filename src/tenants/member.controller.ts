import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { ApiPage } from '../http/page.decorator.js';
import { type Page, PageQuery } from '../http/pagination.dto.js';
import { Audited, CurrentPrincipal, CurrentTenant, RequireScope } from './access.decorator.js';
import { CreatedMemberView, CreateMember, MemberView, UpdateMember } from './member.dto.js';
import { MemberService } from './member.service.js';
import type { Principal } from './principal.js';

@ApiTags('Members')
@Controller('api/v1/members')
@RequireScope('admin')
export class MemberController {
  constructor(private readonly members: MemberService) {}

  /** Add a member. A password that was not given is generated and shown once. */
  @Post()
  @Audited('member.created')
  create(@CurrentPrincipal() by: Principal, @Body() input: CreateMember): Promise<CreatedMemberView> {
    return this.members.create(by, input);
  }

  /** List members, newest first. */
  @Get()
  @ApiPage(MemberView)
  list(@CurrentTenant() tenantId: string, @Query() query: PageQuery): Promise<Page<MemberView>> {
    return this.members.list(tenantId, query);
  }

  /** Show a member. */
  @Get(':id')
  show(@CurrentTenant() tenantId: string, @Param('id') id: string): Promise<MemberView> {
    return this.members.get(tenantId, id);
  }

  /** Change a member; absent fields stay as they are. A new password ends the member's sessions. */
  @Patch(':id')
  @Audited('member.updated')
  update(@CurrentPrincipal() by: Principal, @Param('id') id: string, @Body() input: UpdateMember): Promise<MemberView> {
    return this.members.update(by, id, input);
  }

  /** Remove a member and end his sessions. */
  @Delete(':id')
  @HttpCode(204)
  @Audited('member.deleted')
  async delete(@CurrentPrincipal() by: Principal, @Param('id') id: string): Promise<void> {
    await this.members.delete(by, id);
  }
}
