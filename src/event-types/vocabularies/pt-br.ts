import type { BuiltInEventType, JsonSchema } from './built-in-event-type.js';
import { changesOf, dataSchema, emailOrNull, flag, text, textOrNull, time, timeOrNull } from './built-in-event-type.js';

/**
 * The events of the Sistema CRM guide ("Webhooks Disponíveis"): customers, tasks, help desk, WhatsApp and e-mail.
 * The guide's sample objects are the examples, field by field; every field of a sample is required.
 * Words such as `status`, `prioridade` and `tipo` are left open: the guide prints samples of them, not lists.
 */
const alteracoes = changesOf(
  'Campos alterados: para cada nome de campo, o valor anterior e o novo.',
  'anterior',
  'novo',
);
const id = text('Identificador no sistema de origem.');
const clienteId = textOrNull('Cliente relacionado; nulo quando não há.');
const createdAt = time('Quando o registro foi criado.');
const updatedAt = time('Quando o registro foi alterado.');
const nome = textOrNull('Nome do cliente; nulo quando não informado.');
const email = emailOrNull('E-mail do cliente; nulo quando não informado.');
const telefone = textOrNull('Telefone como foi informado; nulo quando não há.');
const titulo = text('Título.');
const descricao = textOrNull('Descrição livre; nula quando não há.');
const status = text('Situação, por exemplo PENDENTE, EM_ANDAMENTO ou ABERTO.');
const prioridade = text('Prioridade, por exemplo ALTA ou URGENTE.');
const conversaId = text('Conversa a que a mensagem pertence.');
const mensagemId = text('Identificador da mensagem.');
const conteudo = textOrNull('Texto da mensagem; nulo quando ela traz só mídia.');
const tipo = text('Tipo da mensagem, por exemplo TEXT.');
const contaId = text('Conta de e-mail que recebeu ou enviou a mensagem.');
const assunto = textOrNull('Assunto; nulo quando a mensagem não tem.');

export const PT_BR_EVENT_TYPES: readonly BuiltInEventType[] = [
  event(
    'cliente.criado',
    'Um cliente foi cadastrado. Traz os dados de contato como ficaram no cadastro.',
    { id, nome, email, telefone, createdAt },
    {
      id: 'cliente_123',
      nome: 'João Silva',
      email: 'joao@example.com',
      telefone: '(11) 99999-9999',
      createdAt: '2024-01-01T10:00:00Z',
    },
  ),
  event(
    'cliente.atualizado',
    'Os dados de um cliente mudaram. Traz o cliente como está agora e, em alteracoes, o que mudou.',
    { id, nome, email, telefone, updatedAt, alteracoes },
    {
      id: 'cliente_123',
      nome: 'João Silva',
      email: 'joao@example.com',
      telefone: '(11) 99999-9999',
      updatedAt: '2024-01-01T10:00:00Z',
      alteracoes: { telefone: { anterior: '(11) 88888-8888', novo: '(11) 99999-9999' } },
    },
  ),
  event(
    'cliente.excluido',
    'Um cliente foi excluído. Depois deste evento ele não pode mais ser consultado.',
    { id, nome, excluidoEm: time('Quando foi excluído.') },
    { id: 'cliente_123', nome: 'João Silva', excluidoEm: '2024-01-01T10:00:00Z' },
  ),
  event(
    'tarefa.criada',
    'Uma tarefa foi criada.',
    {
      id,
      titulo,
      descricao,
      status,
      prioridade,
      dataVencimento: timeOrNull('Prazo; nulo quando a tarefa não tem.'),
      clienteId,
      createdAt,
    },
    {
      id: 'tarefa_123',
      titulo: 'Configurar sistema',
      descricao: 'Configurar o sistema CRM',
      status: 'PENDENTE',
      prioridade: 'ALTA',
      dataVencimento: '2024-01-05T10:00:00Z',
      clienteId: 'cliente_123',
      createdAt: '2024-01-01T10:00:00Z',
    },
  ),
  event(
    'tarefa.atualizada',
    'Uma tarefa mudou. Traz a situação atual e, em alteracoes, o que mudou.',
    { id, titulo, status, prioridade, updatedAt, alteracoes },
    {
      id: 'tarefa_123',
      titulo: 'Configurar sistema',
      status: 'EM_ANDAMENTO',
      prioridade: 'ALTA',
      updatedAt: '2024-01-01T10:00:00Z',
      alteracoes: { status: { anterior: 'PENDENTE', novo: 'EM_ANDAMENTO' } },
    },
  ),
  event(
    'tarefa.concluida',
    'Uma tarefa foi concluída.',
    {
      id,
      titulo,
      dataConclusao: time('Quando foi concluída.'),
      tempoTotal: textOrNull('Tempo gasto em texto, por exemplo "2h 30m"; nulo quando não foi medido.'),
    },
    {
      id: 'tarefa_123',
      titulo: 'Configurar sistema',
      dataConclusao: '2024-01-01T10:00:00Z',
      tempoTotal: '2h 30m',
    },
  ),
  event(
    'chamado.aberto',
    'Um chamado de suporte foi aberto.',
    {
      id,
      titulo,
      descricao,
      status,
      prioridade,
      departamentoId: textOrNull('Departamento responsável; nulo enquanto não há.'),
      clienteId,
      createdAt,
    },
    {
      id: 'chamado_123',
      titulo: 'Problema no sistema',
      descricao: 'O sistema não está funcionando',
      status: 'ABERTO',
      prioridade: 'URGENTE',
      departamentoId: 'dept_123',
      clienteId: 'cliente_123',
      createdAt: '2024-01-01T10:00:00Z',
    },
  ),
  event(
    'chamado.atualizado',
    'Um chamado mudou de situação ou de dados. Em alteracoes está o que mudou.',
    { id, status, updatedAt, alteracoes },
    {
      id: 'chamado_123',
      status: 'EM_ANDAMENTO',
      updatedAt: '2024-01-01T10:00:00Z',
      alteracoes: { status: { anterior: 'ABERTO', novo: 'EM_ANDAMENTO' } },
    },
  ),
  event(
    'chamado.respondido',
    'Alguém respondeu a um chamado.',
    {
      chamadoId: text('Chamado que recebeu a resposta.'),
      respostaId: text('Identificador da resposta.'),
      mensagem: text('Texto da resposta.'),
      usuarioId: textOrNull('Quem respondeu; nulo quando a resposta é automática.'),
      respondidoEm: time('Quando a resposta foi dada.'),
    },
    {
      chamadoId: 'chamado_123',
      respostaId: 'resposta_123',
      mensagem: 'Estamos verificando o problema',
      usuarioId: 'usuario_123',
      respondidoEm: '2024-01-01T10:00:00Z',
    },
  ),
  event(
    'chamado.resolvido',
    'Um chamado foi dado como resolvido.',
    {
      id,
      dataResolucao: time('Quando foi resolvido.'),
      tempoResolucao: textOrNull('Tempo até a solução em texto, por exemplo "4h 15m"; nulo quando não foi medido.'),
      usuarioResolucao: textOrNull('Quem resolveu; nulo quando foi automático.'),
    },
    {
      id: 'chamado_123',
      dataResolucao: '2024-01-01T10:00:00Z',
      tempoResolucao: '4h 15m',
      usuarioResolucao: 'usuario_123',
    },
  ),
  event(
    'whatsapp.mensagem.recebida',
    'Chegou uma mensagem pelo WhatsApp.',
    {
      conversaId,
      mensagemId,
      remetente: text('Número de quem escreveu, com código do país e só dígitos.'),
      conteudo,
      tipo,
      recebidoEm: time('Quando a mensagem chegou.'),
    },
    {
      conversaId: 'conversa_123',
      mensagemId: 'msg_123',
      remetente: '5511999999999',
      conteudo: 'Olá, preciso de ajuda',
      tipo: 'TEXT',
      recebidoEm: '2024-01-01T10:00:00Z',
    },
  ),
  event(
    'whatsapp.mensagem.enviada',
    'Uma mensagem foi enviada pelo WhatsApp.',
    {
      conversaId,
      mensagemId,
      destinatario: text('Número de quem recebe, com código do país e só dígitos.'),
      conteudo,
      tipo,
      enviadoEm: time('Quando a mensagem foi enviada.'),
    },
    {
      conversaId: 'conversa_123',
      mensagemId: 'msg_123',
      destinatario: '5511999999999',
      conteudo: 'Olá, como posso ajudar?',
      tipo: 'TEXT',
      enviadoEm: '2024-01-01T10:00:00Z',
    },
  ),
  event(
    'whatsapp.conversa.criada',
    'Uma conversa nova começou no WhatsApp.',
    {
      id,
      telefone: text('Número da outra parte, com código do país e só dígitos.'),
      nome: textOrNull('Nome da pessoa ou do grupo; nulo quando não se sabe.'),
      isGroup: flag('Verdadeiro quando é um grupo.'),
      criadaEm: time('Quando a conversa começou.'),
    },
    {
      id: 'conversa_123',
      telefone: '5511999999999',
      nome: 'João Silva',
      isGroup: false,
      criadaEm: '2024-01-01T10:00:00Z',
    },
  ),
  event(
    'email.recebido',
    'Chegou um e-mail em uma das contas ligadas ao sistema.',
    {
      contaId,
      mensagemId,
      assunto,
      remetente: text('Endereço de quem escreveu.'),
      conteudo: textOrNull('Texto do e-mail; nulo quando não há texto.'),
      recebidoEm: time('Quando o e-mail chegou.'),
    },
    {
      contaId: 'conta_123',
      mensagemId: 'email_123',
      assunto: 'Dúvida sobre o sistema',
      remetente: 'joao@example.com',
      conteudo: 'Gostaria de saber mais sobre o sistema',
      recebidoEm: '2024-01-01T10:00:00Z',
    },
  ),
  event(
    'email.enviado',
    'Um e-mail foi enviado por uma das contas ligadas ao sistema.',
    {
      contaId,
      mensagemId,
      assunto,
      destinatario: text('Endereço de quem recebe.'),
      enviadoEm: time('Quando o e-mail foi enviado.'),
    },
    {
      contaId: 'conta_123',
      mensagemId: 'email_123',
      assunto: 'Resposta sobre o sistema',
      destinatario: 'joao@example.com',
      enviadoEm: '2024-01-01T10:00:00Z',
    },
  ),
];

function event(
  name: string,
  description: string,
  required: Record<string, JsonSchema>,
  example: Record<string, unknown>,
): BuiltInEventType {
  return { name, vocabulary: 'pt-BR', description, schema: dataSchema(required), example };
}
