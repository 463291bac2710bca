import { Injectable } from '@nestjs/common';
import { ConnectionClients } from '../connections/connection-clients.js';
import { type Conversation, ConversationStore } from '../crm/conversation.store.js';
import { ConversationRecorder } from '../crm/conversation-recorder.js';
import { CrmWriter } from '../crm/crm-writer.js';
import type { ClaimedTask } from './automation-task.store.js';
import { ChatwootMessenger } from './chatwoot-messenger.js';
import { originOf } from './task-origin.js';
import type { TaskOutcome, TaskPerformer } from './task-performer.js';
import { TaskPlanner } from './task-planner.js';

interface HandOverTask {
  conversationId: string;
  reason: string;
}

/**
 * Hands a conversation from the AI agent to a person. The agent falls silent at once, whatever Chatwoot's state; telling the people
 * there is a task of its own, tried for as long as it takes.
 */
@Injectable()
export class HandOver implements TaskPerformer {
  readonly kinds = ['ai.handover'];

  constructor(
    private readonly clients: ConnectionClients,
    private readonly conversations: ConversationStore,
    private readonly recorder: ConversationRecorder,
    private readonly writer: CrmWriter,
    private readonly planner: TaskPlanner,
    private readonly messenger: ChatwootMessenger,
  ) {}

  async toPerson(task: ClaimedTask, conversation: Conversation, reason: string): Promise<void> {
    const { tenantId, id: taskId } = task;
    await this.writer.write(tenantId, originOf(task, 'chatwoot'), async (write) => {
      await this.recorder.update(write, tenantId, conversation.id, { aiEnabled: false });
      await this.planner.plan(write, tenantId, [
        {
          kind: 'ai.handover',
          key: `ai.handover:${conversation.id}:${taskId}`,
          subject: `ai:handover:${conversation.id}`,
          payload: { conversationId: conversation.id, reason },
        },
      ]);
    });
  }

  async perform(task: ClaimedTask): Promise<TaskOutcome> {
    const { conversationId, reason } = task.payload as unknown as HandOverTask;
    const conversation = await this.conversations.find(task.tenantId, conversationId);
    const connected = await this.clients.find(task.tenantId, 'chatwoot');
    if (!conversation?.externalId || !connected)
      return { kind: 'skipped', why: 'The conversation or the connection is not here any more.' };
    const { client, connection } = connected;
    const there = Number(conversation.externalId.replace('chatwoot:', ''));
    const note = `${reason} The AI agent does not answer here any more; switch it on again with aiEnabled of the conversation.`;
    await this.messenger.send(client, there, note, task, { private: true });
    await client.setStatus(there, 'open');
    const { handoverAgentId, handoverTeamId } = connection.settings.ai ?? {};
    if (handoverTeamId) await client.assign(there, { teamId: handoverTeamId });
    if (handoverAgentId) await client.assign(there, { agentId: handoverAgentId });
    return { kind: 'done', did: { chatwootConversationId: there, reason } };
  }
}
