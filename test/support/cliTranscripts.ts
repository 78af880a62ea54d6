/** Where the recorded commands worked. */
export const CWD = '/repo';

/**
 * What `claude -p --output-format stream-json --verbose` printed, version 2.1.331, against a server of
 * ours: a banner before it, a thought, a tool, a plan, a subagent, unknown kinds. Shortened.
 */
export const CLAUDE_TRANSCRIPT = [
  'Welcome 🎉 to a banner that is no JSON',
  '{"type":"system","subtype":"init","cwd":"/repo","session_id":"1a612bed-7b79-46fc-91b1-59963c67eac9","tools":["Bash"],"mcp_servers":[],"model":"claude-opus-5-5","permissionMode":"default","claude_code_version":"2.1.331"}',
  '{"type":"system","subtype":"status","status":"requesting"}',
  '{"type":"rate_limit_event","rate_limit_info":{"status":"allowed","resetsAt":1784079000,"rateLimitType":"five_hour"}}',
  '{"type":"assistant","message":{"id":"msg_1","role":"assistant","content":[{"type":"thinking","thinking":"Hmm, Umlaute: äöü 🙂","signature":"x"}]},"parent_tool_use_id":null}',
  '{"type":"assistant","message":{"id":"msg_1","role":"assistant","content":[{"type":"text","text":"Running it. 🚀"}],"usage":{"input_tokens":1200,"output_tokens":1}},"parent_tool_use_id":null}',
  '{"type":"assistant","message":{"content":[{"type":"tool_use","id":"toolu_1","name":"Bash","input":{"command":"echo hi","description":"stub command"}}]},"parent_tool_use_id":null}',
  '{"type":"user","message":{"role":"user","content":[{"tool_use_id":"toolu_1","type":"tool_result","content":"hi","is_error":false}]},"tool_use_result":{"stdout":"hi"}}',
  '{"type":"assistant","message":{"content":[{"type":"tool_use","id":"toolu_2","name":"Edit","input":{"file_path":"/repo/src/a.ts","old_string":"a","new_string":"b"}},{"type":"tool_use","id":"toolu_3","name":"mcp__db__query","input":{"sql":"select 1"}}]}}',
  '{"type":"user","message":{"role":"user","content":[{"type":"tool_result","content":[{"type":"text","text":"no"},{"type":"image"}],"is_error":true,"tool_use_id":"toolu_2"}]}}',
  '{"type":"assistant","message":{"content":[{"type":"tool_use","id":"toolu_4","name":"TodoWrite","input":{"todos":[{"content":"Look","status":"completed","activeForm":"Looking"},{"content":"Mend","status":"in_progress","activeForm":"Mending"}]}}]}}',
  '{"type":"user","message":{"content":[{"type":"tool_result","tool_use_id":"toolu_4","content":"Todos have been modified"}]}}',
  '{"type":"assistant","message":{"content":[{"type":"text","text":"I am a subagent."}]},"parent_tool_use_id":"toolu_9"}',
  '{"type":"stream_event","event":{"type":"content_block_delta"}}',
  '{"type":"assistant","message":{"content":[{"type":"text","text":"Done."}]},"parent_tool_use_id":null}',
  '{"type":"something_new","of":"a later release"}',
  '{"duration_api_ms":148,"stop_reason":"end_turn","session_id":"1a612bed-7b79-46fc-91b1-59963c67eac9","total_cost_usd":0.0248,"usage":{"input_tokens":2400,"cache_creation_input_tokens":200,"cache_read_input_tokens":600,"output_tokens":84},"permission_denials":[{"tool_name":"Write","tool_use_id":"toolu_5"},{"tool_name":"Write"}],"is_error":false,"num_turns":2,"subtype":"success","result":"Done.","type":"result"}',
].join('\n');

/** What `codex exec --json` printed, version 0.169, against the same server. Shortened. */
export const CODEX_TRANSCRIPT = [
  '{"type":"thread.started","thread_id":"01a210f3-1049-7d22-8c91-fcde9bac10e7"}',
  '{"type":"item.completed","item":{"id":"item_0","type":"error","message":"Model metadata for `stub` not found."}}',
  '{"type":"turn.started"}',
  '{"type":"error","message":"Reconnecting... 1/5"}',
  '{"type":"item.completed","item":{"id":"item_1","type":"reasoning","text":"**Thinking** 🤔"}}',
  '{"type":"item.completed","item":{"id":"item_2","type":"agent_message","text":"Running it. 🚀"}}',
  '{"type":"item.started","item":{"id":"item_3","type":"command_execution","command":"/bin/bash -lc \'echo hi\'","aggregated_output":"","exit_code":null,"status":"in_progress"}}',
  '{"type":"item.completed","item":{"id":"item_3","type":"command_execution","command":"/bin/bash -lc \'echo hi\'","aggregated_output":"hi\\n","exit_code":1,"status":"failed"}}',
  '{"type":"item.completed","item":{"id":"item_4","type":"file_change","changes":[{"path":"/repo/a.ts","kind":"update"},{"path":"b.ts","kind":"add"}],"status":"completed"}}',
  '{"type":"item.started","item":{"id":"item_5","type":"todo_list","items":[{"text":"Look","completed":false}]}}',
  '{"type":"item.updated","item":{"id":"item_5","type":"todo_list","items":[{"text":"Look","completed":true}]}}',
  '{"type":"item.completed","item":{"id":"item_6","type":"mcp_tool_call","server":"db","tool":"query","arguments":{},"result":{"content":[{"type":"text","text":"1 row"}]},"error":null,"status":"completed"}}',
  '{"type":"item.completed","item":{"id":"item_7","type":"web_search","query":"rust eof"}}',
  '{"type":"item.completed","item":{"id":"item_8","type":"something_new"}}',
  '{"type":"item.completed","item":{"id":"item_9","type":"agent_message","text":"First."}}',
  '{"type":"item.completed","item":{"id":"item_10","type":"agent_message","text":"Second."}}',
  '{"type":"turn.completed","usage":{"input_tokens":3000,"cached_input_tokens":600,"cache_write_input_tokens":0,"output_tokens":84,"reasoning_output_tokens":14}}',
].join('\r\n');

/** What any command may print. */
export const PLAIN_TRANSCRIPT = 'Working… 🚧\r\n\u001b[32mgreen\u001b[0m\n\nno end of line: ä';
