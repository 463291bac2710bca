import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { ApiPage } from '../http/page.decorator.js';
import type { Page } from '../http/pagination.dto.js';
import { Audited, CurrentTenant, RequireScope } from '../tenants/access.decorator.js';
import {
  BuiltInTemplates,
  CreateMessageTemplate,
  MessagePreview,
  MessageTemplateQuery,
  MessageTemplateView,
  PreviewMessageTemplate,
  UpdateMessageTemplate,
} from './message-template.dto.js';
import { MessageTemplateService } from './message-template.service.js';

@ApiTags('Message templates')
@Controller('api/v1/message-templates')
export class MessageTemplateController {
  constructor(private readonly templates: MessageTemplateService) {}

  /** Say an automatic message in your own words, in one language. */
  @Post()
  @RequireScope('inbound:write')
  @Audited('message_template.created')
  create(@CurrentTenant() tenantId: string, @Body() input: CreateMessageTemplate): Promise<MessageTemplateView> {
    return this.templates.create(tenantId, input);
  }

  /** List your own templates, newest first. */
  @Get()
  @RequireScope('inbound:read')
  @ApiPage(MessageTemplateView)
  list(@CurrentTenant() tenantId: string, @Query() query: MessageTemplateQuery): Promise<Page<MessageTemplateView>> {
    return this.templates.list(tenantId, query);
  }

  /** List the built-in words, and what may stand between the braces. */
  @Get('built-in')
  @RequireScope('inbound:read')
  builtIn(): BuiltInTemplates {
    return this.templates.builtIn();
  }

  /** See a message as it would be sent, about somebody invented. */
  @Post('preview')
  @HttpCode(200)
  @RequireScope('inbound:read')
  preview(@CurrentTenant() tenantId: string, @Body() input: PreviewMessageTemplate): Promise<MessagePreview> {
    return this.templates.preview(tenantId, input);
  }

  /** Show a template. */
  @Get(':id')
  @RequireScope('inbound:read')
  show(@CurrentTenant() tenantId: string, @Param('id') id: string): Promise<MessageTemplateView> {
    return this.templates.get(tenantId, id);
  }

  /** Change the words of a template. */
  @Patch(':id')
  @RequireScope('inbound:write')
  @Audited('message_template.updated')
  update(
    @CurrentTenant() tenantId: string,
    @Param('id') id: string,
    @Body() input: UpdateMessageTemplate,
  ): Promise<MessageTemplateView> {
    return this.templates.update(tenantId, id, input);
  }

  /** Delete a template: where there are built-in words, they are sent again. */
  @Delete(':id')
  @HttpCode(204)
  @RequireScope('inbound:write')
  @Audited('message_template.deleted')
  delete(@CurrentTenant() tenantId: string, @Param('id') id: string): Promise<void> {
    return this.templates.delete(tenantId, id);
  }
}
