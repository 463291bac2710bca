-- A million contacts of the first tenant, as psql fills them in some minutes: psql "$DATABASE_URL" -f test/bench/fill-contacts.sql
\timing on
select setseed(0.5);
select id as tenant from tenants order by id limit 1 \gset
drop index contacts_search_idx, contacts_custom_fields_idx;
insert into contacts (id, tenant_id, email, first_name, last_name, phone, instagram_username, manychat_id, custom_fields,
  opt_in_messenger, opt_in_instagram, opt_in_whatsapp, opt_in_telegram, export_consent_given, created_at, updated_at)
select uuid_v7(), :'tenant', f || '.' || l || n || '@' || (array['example.com', 'example.org', 'mail.example', 'firma.example'])[1 + n % 4],
  initcap(f), initcap(l), '+5511' || (900000000 + n), f || '_' || n, n::text,
  jsonb_build_object('favorite_drink', (array['latte', 'cappuccino', 'espresso', 'tea', 'mate'])[1 + (n * 7) % 5],
    'visit_count', n % 1000, 'member_no', 'M' || n),
  n % 2 = 0, n % 3 = 0, n % 10 = 0, n % 5000 = 0, n % 10 < 3,
  timestamptz '2024-01-01' + n * interval '1 minute',
  timestamptz '2024-01-01' + n * interval '1 minute' + random() * interval '100 days'
from (
  select n,
    (array['john', 'maria', 'jose', 'ana', 'joao', 'antonio', 'francisco', 'carlos', 'paulo', 'pedro', 'lucas', 'luiz', 'marcos',
      'luis', 'gabriel', 'rafael', 'francisca', 'daniel', 'marcelo', 'bruno', 'eduardo', 'felipe', 'adriana', 'juliana', 'marcia',
      'fernanda', 'patricia', 'aline', 'sandra', 'camila'])[1 + floor(random() * 30)::int] f,
    (array['silva', 'santos', 'oliveira', 'souza', 'rodrigues', 'ferreira', 'alves', 'pereira', 'lima', 'gomes', 'costa', 'ribeiro',
      'martins', 'carvalho', 'almeida', 'lopes', 'soares', 'fernandes', 'vieira', 'barbosa', 'rocha', 'dias', 'nascimento',
      'andrade', 'moreira', 'nunes', 'marques', 'machado', 'mendes', 'freitas'])[1 + floor(random() * 30)::int] l
  from generate_series(1, 1000000) n
) s;
insert into tags select uuid_v7(), :'tenant', name, now() from unnest(array['vip', 'lead', 'rare', 'founder']) name;
insert into contact_tags select c.tenant_id, c.id, t.id, now() from contacts c join tags t on t.tenant_id = c.tenant_id
where c.tenant_id = :'tenant' and case t.name when 'vip' then c.opt_in_whatsapp when 'lead' then c.opt_in_messenger
  when 'rare' then c.manychat_id::int % 2000 = 0 else c.manychat_id::int <= 20000 end;
insert into custom_fields select uuid_v7(), :'tenant', name, '', type, '{}', now(), now()
from (values ('favorite_drink', 'text'), ('visit_count', 'number'), ('member_no', 'text')) f (name, type);
create index contacts_search_idx on contacts using gin (tenant_id, search_text gin_trgm_ops) with (fastupdate = off);
create index contacts_custom_fields_idx on contacts using gin (tenant_id, custom_fields jsonb_path_ops) with (fastupdate = off);
vacuum analyze contacts, contact_tags, contact_counts;
