# After the Sistema CRM guide, section "Python/Flask", corrected: verifies the bytes that came, compares bytes (a str
# with accents makes compare_digest throw), and has the handler for tarefa.criada that the printed one calls.
from flask import Flask, request, jsonify
import hmac
import hashlib

app = Flask(__name__)

WEBHOOK_SECRET = 'sua_chave_secreta'

@app.route('/webhook', methods=['POST'])
def webhook():
    # Verificar assinatura sobre os bytes recebidos, antes de interpretá-los
    signature = request.headers.get('X-Webhook-Signature', '')

    if not verify_signature(request.get_data(), signature, WEBHOOK_SECRET):
        return jsonify({'error': 'Assinatura inválida'}), 401

    # Processar evento
    event = request.get_json()

    if event.get('event') == 'cliente.criado':
        handle_cliente_criado(event['data'])
    elif event.get('event') == 'tarefa.criada':
        handle_tarefa_criada(event['data'])
    # ... outros eventos

    return jsonify({'success': True})

def verify_signature(payload, signature, secret):
    expected = hmac.new(secret.encode('utf-8'), payload, hashlib.sha256).hexdigest()
    received = signature.removeprefix('sha256=')
    return hmac.compare_digest(received.encode('utf-8'), expected.encode('utf-8'))

def handle_cliente_criado(data):
    print(f"Novo cliente criado: {data}")

def handle_tarefa_criada(data):
    print(f"Nova tarefa criada: {data}")

if __name__ == '__main__':
    app.run(port=3000)
