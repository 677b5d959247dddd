-- KEYS lanes, total, held. ARGV lane prefix, end of the stream's range, most entries. Puts the newest of that range back
-- at the heads of their lanes, past the dedupe window. It shrinks first, so memory pressure does not stop it. Returns how
-- many entries and envelopes there were, and their lanes.

local page = redis.call('XREVRANGE', KEYS[3], ARGV[2], '-', 'COUNT', ARGV[3])
if #page == 0 then return {0, 0} end
local ids, answer, known = {}, {#page, 0}, {}
for i, item in ipairs(page) do ids[i] = item[1] end
redis.call('XDEL', KEYS[3], unpack(ids))
for _, item in ipairs(page) do
  local fields, texts = item[2], {} -- 'lane', its key, 'raw', oldest text, 'raw', next text, ...
  local lane = fields[2]
  for i = #fields, 4, -2 do texts[#texts + 1] = fields[i] end
  redis.call('LPUSH', ARGV[1] .. lane, unpack(texts))
  answer[2] = answer[2] + #texts
  if not known[lane] then
    known[lane] = true
    redis.call('ZADD', KEYS[1], 0, lane)
    answer[#answer + 1] = lane
  end
end
redis.call('INCRBY', KEYS[2], answer[2])
return answer
