-- KEYS term, lanes, total, held, then the lane of each entry. ARGV term, where a lane's name begins in its key, then the id
-- of each entry, newest first. Puts those that are still held back at the heads of their lanes, past the dedupe window. It
-- shrinks first, so memory pressure does not stop it. Returns how many envelopes that were, or 'STALE' (lib/parts.lua).

--- @include "lib/parts.lua"

if isStale(KEYS[1], ARGV[1]) then return 'STALE' end
local count = 0
for i = 5, #KEYS do
  local id = ARGV[i - 2]
  local entry = redis.call('XRANGE', KEYS[4], id, id)[1]
  if entry then
    redis.call('XDEL', KEYS[4], id)
    local fields, texts = entry[2], {} -- 'lane', its key, 'raw', oldest text, 'raw', next text, ...
    for at = #fields, 4, -2 do texts[#texts + 1] = fields[at] end
    redis.call('LPUSH', KEYS[i], unpack(texts))
    redis.call('ZADD', KEYS[2], 0, string.sub(KEYS[i], tonumber(ARGV[2])))
    count = count + #texts
  end
end
if count > 0 then redis.call('INCRBY', KEYS[3], count) end
return count
