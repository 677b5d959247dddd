-- KEYS a hash of the dedupe window. ARGV cursor, an id, its tag as a sender's id. Looks at some thousand fields. Returns
-- the next cursor ('0' = done) and the ids of the envelopes that go by that id.

local id, tag = ARGV[2], ARGV[3]
local own = 'e' .. id
local answer = {ARGV[1]}
for _ = 1, 5 do
  local page = redis.call('HSCAN', KEYS[1], answer[1], 'COUNT', 1000)
  answer[1] = page[1]
  local flat = page[2]
  for i = 1, #flat, 2 do
    if flat[i] == own then
      answer[#answer + 1] = id
    else
      local envelope, kind = string.match(flat[i + 1], '^[^\n]*'), string.byte(flat[i])
      local isNamed = kind == 109 or kind == 110 -- 'm', 'n': lib/append-groups.lua
      if envelope == id or (isNamed and string.sub(flat[i], -#tag) == tag) then answer[#answer + 1] = envelope end
    end
  end
  if page[1] == '0' then break end
end
return answer
