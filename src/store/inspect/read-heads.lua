-- KEYS lanes. ARGV count. Returns the place of each lane that holds something, from 0, and the head of it.

local found = {}
for i, laneKey in ipairs(KEYS) do
  local texts = redis.call('LRANGE', laneKey, 0, ARGV[1] - 1)
  if #texts > 0 then
    found[#found + 1] = i - 1
    found[#found + 1] = texts
  end
end
return found
