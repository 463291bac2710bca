// After the Sistema CRM guide, section "Node.js/Express", corrected: verifies the bytes that came instead of
// JSON.stringify(req.body), takes bodies up to 1 MB, and answers 401, not 500, to a missing or malformed signature.
const express = require('express');
const crypto = require('crypto');
const app = express();

const WEBHOOK_SECRET = 'sua_chave_secreta';

app.post('/webhook', express.raw({ type: '*/*', limit: '1mb' }), (req, res) => {
  // Verificar assinatura sobre os bytes recebidos, antes de interpretá-los
  if (!verifySignature(req.body, req.headers['x-webhook-signature'], WEBHOOK_SECRET)) {
    return res.status(401).json({ error: 'Assinatura inválida' });
  }

  // Processar evento
  const event = JSON.parse(req.body.toString('utf8'));

  switch (event.event) {
    case 'cliente.criado':
      handleClienteCriado(event.data);
      break;
    case 'tarefa.criada':
      handleTarefaCriada(event.data);
      break;
    // ... outros eventos
  }

  // Retornar resposta rápida
  res.json({ success: true });
});

function verifySignature(payload, signature, secret) {
  if (!Buffer.isBuffer(payload)) return false;
  const expected = crypto.createHmac('sha256', secret).update(payload).digest();
  const received = Buffer.from(String(signature || '').replace(/^sha256=/, ''), 'hex');
  return received.length === expected.length && crypto.timingSafeEqual(received, expected);
}

function handleClienteCriado(data) {
  console.log('Novo cliente criado:', data);
}

function handleTarefaCriada(data) {
  console.log('Nova tarefa criada:', data);
}

app.listen(3000, () => {
  console.log('Webhook server running on port 3000');
});
