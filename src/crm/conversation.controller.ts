import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { ApiPage } from '../http/page.decorator.js';
import type { Page } from '../http/pagination.dto.js';
import { Audited, CurrentTenant, RequireScope } from '../tenants/access.decorator.js';
import { CurrentOrigin } from './change-origin.decorator.js';
import {
  ConversationQuery,
  ConversationView,
  CreateConversation,
  MessageQuery,
  MessageView,
  RecordMessage,
  UpdateConversation,
} from './conversation.dto.js';
import { ConversationService } from './conversation.service.js';
import type { ChangeOrigin } from './domain-change.js';

@ApiTags('Conversations')
@Controller('api/v1/conversations')
export class ConversationController {
  constructor(private readonly conversations: ConversationService) {}

  /** Open a conversation. One on WhatsApp is told as `whatsapp.conversa.criada`. */
  @Post()
  @RequireScope('data:write')
  @Audited('conversation.created')
  create(
    @CurrentTenant() tenantId: string,
    @CurrentOrigin() origin: ChangeOrigin,
    @Body() input: CreateConversation,
  ): Promise<ConversationView> {
    return this.conversations.create(tenantId, origin, input);
  }

  /** List conversations, newest first. */
  @Get()
  @RequireScope('data:read')
  @ApiPage(ConversationView)
  list(@CurrentTenant() tenantId: string, @Query() query: ConversationQuery): Promise<Page<ConversationView>> {
    return this.conversations.list(tenantId, query);
  }

  /** Show a conversation. */
  @Get(':id')
  @RequireScope('data:read')
  show(@CurrentTenant() tenantId: string, @Param('id') id: string): Promise<ConversationView> {
    return this.conversations.get(tenantId, id);
  }

  /** Change, close or open a conversation; absent fields stay as they are. */
  @Patch(':id')
  @RequireScope('data:write')
  @Audited('conversation.updated')
  update(
    @CurrentTenant() tenantId: string,
    @CurrentOrigin() origin: ChangeOrigin,
    @Param('id') id: string,
    @Body() input: UpdateConversation,
  ): Promise<ConversationView> {
    return this.conversations.update(tenantId, origin, id, input);
  }

  /** Delete a conversation with its messages. */
  @Delete(':id')
  @HttpCode(204)
  @RequireScope('data:write')
  @Audited('conversation.deleted')
  delete(
    @CurrentTenant() tenantId: string,
    @CurrentOrigin() origin: ChangeOrigin,
    @Param('id') id: string,
  ): Promise<void> {
    return this.conversations.delete(tenantId, origin, id);
  }

  /** Record a message that came or went, told as `message.received` or `message.sent`; with `send` it is sent first. */
  @Post(':id/messages')
  @RequireScope('data:write')
  @Audited('message.recorded')
  record(
    @CurrentTenant() tenantId: string,
    @CurrentOrigin() origin: ChangeOrigin,
    @Param('id') id: string,
    @Body() input: RecordMessage,
  ): Promise<MessageView> {
    return this.conversations.record(tenantId, origin, id, input);
  }

  /** List a conversation's messages, those recorded last first. */
  @Get(':id/messages')
  @RequireScope('data:read')
  @ApiPage(MessageView)
  messages(
    @CurrentTenant() tenantId: string,
    @Param('id') id: string,
    @Query() query: MessageQuery,
  ): Promise<Page<MessageView>> {
    return this.conversations.listMessages(tenantId, id, query);
  }
}
