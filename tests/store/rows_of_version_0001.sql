INSERT INTO users (id, issuer, subject, dify_user, name, created_at, last_seen_at)
VALUES ('u1', 'https://id.example', 'ann', 'u_1', 'Ann', 1772366400000000, 1772366400000000);
INSERT INTO sessions (id, user_id, created_at, last_seen_at, expires_at, ended_at, device)
VALUES ('h1', 'u1', 1772366400000000, 1772366400000000, 1772971200000000, NULL, 'Firefox');
INSERT INTO conversations (id, user_id, app, upstream_id, title, folded_title, title_state, title_attempts, title_due_at, created_at, updated_at, unread, inputs)
VALUES ('c1', 'u1', 'support', 'up-1', '¡Holà!', '¡holà!', 'generated', 1, NULL, 1772366400000000, 1772366400000000, FALSE, '{"tone": "dry"}');
INSERT INTO conversations (id, user_id, app, upstream_id, title, folded_title, title_state, title_attempts, title_due_at, created_at, updated_at, unread, inputs)
VALUES ('c2', 'u1', 'sales', NULL, '', '', 'provisional', 0, NULL, 1772366400000000, 1772366400000000, TRUE, '{}');
INSERT INTO messages (id, conversation_id, user_id, key, number, status, created_at, ended_at, query, reply)
VALUES ('m1', 'c1', 'u1', 'k1', 1, 'complete', 1772366400000000, 1772366409000000, '¡Holà!', '{"status": "complete", "parts": [{"text": "hm", "kind": "reasoning"}, {"id": "s", "type": "tool", "title": "look_up", "state": "succeeded", "seconds": 0.5, "input": "day", "output": "good", "parent": "", "kind": "step"}, {"id": "f", "type": "image", "name": "sun.png", "mime_type": "image/png", "size": 8, "url": "https://dify.example/f", "kind": "file"}, {"text": "Good *day*.", "kind": "text"}], "citations": [{"position": 1, "document": "Days", "content": "good", "dataset": "Words", "document_id": "d", "segment_id": "g", "score": 0.9, "url": ""}], "usage": {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11, "prompt_price": "0.0000014", "completion_price": "0.0000012", "total_price": "0.0000026", "currency": "USD", "latency": 0.81, "time_to_first_token": null}, "failure": null, "repaired": false, "conversation_id": "up-1", "message_id": "up-m", "task_id": "t", "run_id": ""}');
INSERT INTO messages (id, conversation_id, user_id, key, number, status, created_at, ended_at, query, reply)
VALUES ('m2', 'c2', 'u1', 'k2', 1, 'running', 1772366400000000, NULL, 'Still there?', '{"status": "running", "parts": [], "citations": [], "usage": null, "failure": null, "repaired": false, "conversation_id": "", "message_id": "", "task_id": "", "run_id": ""}');
INSERT INTO usage (id, message_id, user_id, app, conversation_id, day, created_at, outcome, pricing, prompt_tokens, completion_tokens, total_tokens, prompt_nano, completion_nano, total_nano, currency, latency_ms, first_token_ms)
VALUES ('l1', 'm1', 'u1', 'support', 'c1', '2026-03-01', 1772366409000000, 'complete', 'priced', 9, 2, 11, 1400, 1200, 2600, 'USD', 810, 300);
