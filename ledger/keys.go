package ledger

import (
	"encoding/binary"

	"github.com/plexus-network/plexus/ledger/key"
)

// The key space of the state. A key is a prefix that ends in '/', followed by
// fixed-width big-endian numbers and 32-byte ids, so that keys of one kind sort
// by number.
const (
	prefixProxies    = "proxies/"    // account -> rights that it gave
	prefixAnnounced  = "announced/"  // account, delegate -> calls that wait
	prefixAccount    = "account/"    // account -> Account
	prefixProducer   = "producer/"   // consensus address -> Producer
	prefixProducers  = "producers/"  // -> consensus addresses of the set that consensus knows
	prefixCandidates = "candidates/" // -> consensus addresses that may be elected
	prefixCandidate  = "candidate/"  // hotkey -> its last consensus address
	prefixMisses     = "misses/"     // consensus address -> misses
	prefixBonded     = "bonded/"     // hotkey -> last height at which its root stake must queue
	prefixQueued     = "queued/"     // hotkey -> share pool of what queues behind it
	prefixQueue      = "queue/"      // number -> unbonding
	prefixQueueEnds  = "queueends/"  // -> first and next number of the queue
	prefixParams     = "params/"     // -> Params
	prefixChain      = "chain/"      // -> chain id
	prefixTotals     = "totals/"     // -> Totals
	prefixRandom     = "random/"     // -> R of the last block
	prefixHash       = "hash/"       // height mod 65,536 -> {height, block hash}
	prefixSubnets    = "subnets/"    // -> list of netuids
	prefixSubnet     = "subnet/"     // netuid -> Subnet
	prefixClock      = "clock/"      // netuid -> Clock
	prefixMarket     = "market/"     // netuid -> Market
	prefixPending    = "pending/"    // netuid, epoch -> Pending
	prefixNeuron     = "neuron/"     // netuid, uid -> Neuron
	prefixUID        = "uid/"        // netuid, hotkey -> uid
	prefixOwner      = "owner/"      // hotkey -> coldkey
	prefixHotkeyPool = "hotkeypool/" // netuid, hotkey -> HotkeyPool
	prefixShares     = "shares/"     // netuid, hotkey, coldkey -> shares
	prefixBonds      = "bonds/"      // netuid, uid -> bonds row
	prefixRoster     = "roster/"     // netuid, epoch, page -> roster page
	prefixRecord     = "record/"     // netuid, epoch -> EpochRecord
	prefixCommit     = "commit/"     // netuid, epoch, hotkey -> Committed
	prefixReveal     = "reveal/"     // netuid, epoch, hotkey -> Opening
	prefixSlot       = "slot/"       // netuid, epoch, hotkey, kind -> spent
	prefixCarry      = "carry/"      // netuid, hotkey -> Carry
	prefixPlanned    = "planned/"    // netuid -> Planned
	prefixRootSale   = "rootsale/"   // netuid -> RootSale
	prefixParamSet   = "paramset/"   // hash -> SubnetParams of some epoch
	prefixRegistry   = "registry/"   // -> Registry
	prefixPast       = "past/"       // netuid -> Past
	prefixLimit      = "limit/"      // netuid, name -> height of the last time
	prefixServed     = "served/"     // netuid, hotkey -> height of the last time
	prefixIdentity   = "identity/"   // netuid -> Identity
	prefixWho        = "who/"        // account -> Identity
	prefixModule     = "module/"     // hash -> StoredModule
	prefixUpload     = "upload/"     // account, hash -> Upload
	prefixExpiry     = "expiry/"     // height -> uploads that expire
	prefixStanding   = "standing/"   // netuid of a mechanism, uid -> Standing
	prefixRootMember = "rootmember/" // -> members of the root network
	prefixHolding    = "holding/"    // coldkey, netuid, hotkey -> there is a position
	prefixOwned      = "owned/"      // coldkey, hotkey -> the hotkey is the coldkey's
	prefixDelegate   = "delegate/"   // hotkey -> delegate
	prefixFamily     = "family/"     // netuid, hotkey -> Family
	prefixWaiting    = "waiting/"    // netuid, hotkey -> children that wait
	prefixAutoStake  = "autostake/"  // netuid, coldkey -> hotkey
	prefixHeir       = "heir/"       // hotkey -> the hotkey that took its place
	prefixColdHeir   = "coldheir/"   // coldkey -> the coldkey that took its place
	prefixRotated    = "rotated/"    // hotkey -> height at which it took another's place
	prefixProposal   = "proposal/"   // number -> Proposal
	prefixAgenda     = "agenda/"     // -> proposals that are open
	prefixBallot     = "ballot/"     // number of a proposal, coldkey -> ballot
	prefixArtifact   = "artifact/"   // netuid -> Artifact
	prefixColdSwap   = "coldswap/"   // coldkey -> ColdkeySwap
)

func k16(prefix string, n uint16) []byte {
	return binary.BigEndian.AppendUint16([]byte(prefix), n)
}

func k32(prefix string, id [32]byte) []byte {
	return append(append(make([]byte, 0, len(prefix)+32), prefix...), id[:]...)
}

func k16x32(prefix string, n uint16, id [32]byte) []byte {
	return append(k16(prefix, n), id[:]...)
}

func k16x64(prefix string, n uint16, x uint64) []byte {
	return binary.BigEndian.AppendUint64(k16(prefix, n), x)
}

func candidateKey(h Hotkey) []byte { return append([]byte(prefixCandidate), h[:]...) }
func missesKey(a Address) []byte   { return append([]byte(prefixMisses), a[:]...) }
func bondedKey(h Hotkey) []byte    { return append([]byte(prefixBonded), h[:]...) }
func queuedKey(h Hotkey) []byte    { return append([]byte(prefixQueued), h[:]...) }
func queueKey(n uint64) []byte     { return binary.BigEndian.AppendUint64([]byte(prefixQueue), n) }

func proxiesKey(id key.ID) []byte { return append([]byte(prefixProxies), id[:]...) }

func announcedKey(principal, delegate key.ID) []byte {
	return append(append([]byte(prefixAnnounced), principal[:]...), delegate[:]...)
}

func accountKey(id key.ID) []byte             { return k32(prefixAccount, id) }
func producerKey(a Address) []byte            { return append([]byte(prefixProducer), a[:]...) }
func subnetKey(n NetUID) []byte               { return k16(prefixSubnet, uint16(n)) }
func clockKey(n NetUID) []byte                { return k16(prefixClock, uint16(n)) }
func marketKey(n NetUID) []byte               { return k16(prefixMarket, uint16(n)) }
func pendingKey(n NetUID, e Epoch) []byte     { return k16x64(prefixPending, uint16(n), e) }
func uidKey(n NetUID, h Hotkey) []byte        { return k16x32(prefixUID, uint16(n), h) }
func ownerKey(h Hotkey) []byte                { return append([]byte(prefixOwner), h[:]...) }
func hotkeyPoolKey(n NetUID, h Hotkey) []byte { return k16x32(prefixHotkeyPool, uint16(n), h) }
func recordKey(n NetUID, e Epoch) []byte      { return k16x64(prefixRecord, uint16(n), e) }
func plannedKey(n NetUID) []byte              { return k16(prefixPlanned, uint16(n)) }
func rootSaleKey(n NetUID) []byte             { return k16(prefixRootSale, uint16(n)) }
func paramSetKey(h [32]byte) []byte           { return append([]byte(prefixParamSet), h[:]...) }
func artifactKey(n NetUID) []byte             { return k16(prefixArtifact, uint16(n)) }
func pastKey(n NetUID) []byte                 { return k16(prefixPast, uint16(n)) }
func limitKey(n NetUID, name string) []byte   { return append(k16(prefixLimit, uint16(n)), name...) }
func servedKey(n NetUID, h Hotkey) []byte     { return k16x32(prefixServed, uint16(n), h) }
func identityKey(n NetUID) []byte             { return k16(prefixIdentity, uint16(n)) }
func accountIdentityKey(c Coldkey) []byte     { return append([]byte(prefixWho), c[:]...) }
func moduleKey(h [32]byte) []byte             { return append([]byte(prefixModule), h[:]...) }
func uploadKey(c Coldkey, h [32]byte) []byte {
	return append(append([]byte(prefixUpload), c[:]...), h[:]...)
}
func expiryKey(h Height) []byte { return append([]byte(prefixExpiry), be64(h)...) }

func carryKey(n NetUID, h Hotkey) []byte { return k16x32(prefixCarry, uint16(n), h) }
func hashKey(h Height) []byte {
	return binary.BigEndian.AppendUint16([]byte(prefixHash), uint16(h))
}

func neuronKey(n NetUID, u UID) []byte {
	return binary.BigEndian.AppendUint16(k16(prefixNeuron, uint16(n)), uint16(u))
}

func bondsKey(n NetUID, u UID) []byte {
	return binary.BigEndian.AppendUint16(k16(prefixBonds, uint16(n)), uint16(u))
}

func sharesKey(n NetUID, h Hotkey, c Coldkey) []byte {
	return append(k16x32(prefixShares, uint16(n), h), c[:]...)
}

func rosterKey(n NetUID, e Epoch, page uint16) []byte {
	return binary.BigEndian.AppendUint16(k16x64(prefixRoster, uint16(n), e), page)
}

func commitKey(n NetUID, e Epoch, h Hotkey) []byte {
	return append(k16x64(prefixCommit, uint16(n), e), h[:]...)
}

func revealKey(n NetUID, e Epoch, h Hotkey) []byte {
	return append(k16x64(prefixReveal, uint16(n), e), h[:]...)
}

func slotKey(n NetUID, e Epoch, h Hotkey, k Kind) []byte {
	return append(append(k16x64(prefixSlot, uint16(n), e), h[:]...), byte(k))
}
