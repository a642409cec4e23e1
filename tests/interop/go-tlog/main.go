// go-tlog verify DIR: checks what ledger_tool made, with Go's own transparency log packages.
// go-tlog make DIR: makes the same kind of folder for ledger_tool to check.
//
// The leaf and its commitments are written here once more, from docs/protocol/LEDGER.md alone.
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/transparency-dev/formats/log"
	fnote "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/formats/proof"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	origin     = "bongsu/kr/nz/0"
	cosigner   = "bongsu/nz/cosign"
	cosignedAt = 1795300000
	height     = 8
)

var (
	sizes  = []int64{1, 2, 7, 255, 256, 257, 1000, 66000}
	failed bool
)

func must[T any](v T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, "go-tlog:", err)
		os.Exit(2)
	}
	return v
}

func report(err error, format string, args ...any) {
	what := fmt.Sprintf(format, args...)
	if err != nil {
		failed = true
		fmt.Printf("not ok - %s: %v\n", what, err)
		return
	}
	fmt.Println("ok -", what)
}

func read(dir, name string) []byte { return must(os.ReadFile(filepath.Join(dir, name))) }

func write(dir, name string, data []byte) {
	path := filepath.Join(dir, name)
	must(0, os.MkdirAll(filepath.Dir(path), 0o755))
	must(0, os.WriteFile(path, data, 0o644))
}

// --- the leaf, from the page ---

type opening struct {
	salt, content [32]byte
	subject       uint64
}

func (o opening) bytes() []byte {
	return binary.BigEndian.AppendUint64(append(append([]byte{}, o.salt[:]...), o.content[:]...), o.subject)
}

func partner(op byte, o opening) [32]byte {
	b := append([]byte("bongsu leaf partner v1\x00"), o.salt[:]...)
	b = append(append(b, op), o.content[:]...)
	return sha256.Sum256(binary.BigEndian.AppendUint64(b, o.subject))
}

func leafBytes(seq uint64, op byte, partner, issuer [32]byte) []byte {
	b := append([]byte{1, 0, 1, op}, 0, 0, 0, 0)
	b = binary.BigEndian.AppendUint64(b, seq)
	b = binary.BigEndian.AppendUint64(b, 1795300000000000+seq)
	return append(append(b, partner[:]...), issuer[:]...)
}

func leafOf(seq uint64) ([]byte, opening) {
	o := opening{subject: ^uint64(0), salt: sha256.Sum256(fmt.Appendf(nil, "salt %d", seq))}
	op := byte(1)
	if seq%5 == 4 {
		op, o.subject = 4, seq-1
	} else {
		o.content = sha256.Sum256(fmt.Appendf(nil, "object %d", seq))
	}
	return leafBytes(seq, op, partner(op, o), sha256.Sum256([]byte("reason"))), o
}

// checkLeaf reads the extra of one of ledger_tool's proof files.
func checkLeaf(extra []byte, index uint64) error {
	if len(extra) != 88+72 {
		return fmt.Errorf("extra has %d bytes", len(extra))
	}
	leaf, o := extra[:88], opening{subject: binary.BigEndian.Uint64(extra[152:])}
	copy(o.salt[:], extra[88:])
	copy(o.content[:], extra[120:])
	p := partner(leaf[3], o)
	switch {
	case !bytes.Equal(leaf[:3], []byte{1, 0, 1}), binary.BigEndian.Uint64(leaf[8:]) != index:
		return errors.New("version, suite or seq")
	case !bytes.Equal(leaf[24:56], p[:]):
		return errors.New("the opening does not open the leaf")
	case (o.content == [32]byte{}) != (leaf[3] == 4), (o.subject == ^uint64(0)) != (leaf[3] == 1):
		return errors.New("the opening does not go with the op")
	}
	return nil
}

// --- tiles by C2SP path ---

func tilePath(t tlog.Tile) string {
	path := strings.TrimPrefix(t.Path(), fmt.Sprintf("tile/%d/", height))
	return "tile/" + strings.Replace(path, "data/", "entries/", 1)
}

type tileDir string

func (d tileDir) Height() int { return height }

// ReadTiles serves a smaller width out of the wider tile: the folder holds those of the largest tree.
func (d tileDir) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var out [][]byte
	for _, t := range tiles {
		data, err := os.ReadFile(filepath.Join(string(d), tilePath(t)))
		for w := t.W + 1; err != nil && w <= 256; w++ {
			wider := t
			wider.W = w
			data, err = os.ReadFile(filepath.Join(string(d), tilePath(wider)))
		}
		if err != nil {
			return nil, err
		}
		out = append(out, data[:t.W*32])
	}
	return out, nil
}
func (d tileDir) SaveTiles([]tlog.Tile, [][]byte) {}

// entries are all leaf hashes, from the bundles.
func entries(dir string, size int64) ([]tlog.Hash, error) {
	var out []tlog.Hash
	for n := int64(0); n*256 < size; n++ {
		t := tlog.Tile{H: height, L: -1, N: n, W: int(min(256, size-n*256))}
		data, err := os.ReadFile(filepath.Join(dir, tilePath(t)))
		if err != nil {
			return nil, err
		}
		for len(data) > 0 {
			if len(data) < 2 || len(data)-2 < int(binary.BigEndian.Uint16(data)) {
				return nil, errors.New("a bundle ends too early")
			}
			entry := data[2 : 2+binary.BigEndian.Uint16(data)]
			out = append(out, tlog.RecordHash(entry))
			data = data[2+len(entry):]
		}
	}
	if int64(len(out)) != size {
		return nil, fmt.Errorf("%d entries for size %d", len(out), size)
	}
	return out, nil
}

// --- verify ---

func hashLines[T ~[]tlog.Hash](proof T) []byte {
	var out []byte
	for _, h := range proof {
		out = fmt.Appendf(out, "%s\n", base64.StdEncoding.EncodeToString(h[:]))
	}
	return out
}

func parseHashes(data []byte) ([]tlog.Hash, error) {
	var out []tlog.Hash
	for line := range strings.Lines(string(data)) {
		h, err := tlog.ParseHash(strings.TrimSuffix(line, "\n"))
		if err != nil {
			return nil, err
		}
		out = append(out, h)
	}
	return out, nil
}

func openCheckpoint(whole []byte, logKey, cosignKey note.Verifier) (tlog.Tree, error) {
	cp, rest, n, err := log.ParseCheckpoint(whole, origin, logKey, cosignKey)
	if err != nil {
		return tlog.Tree{}, err
	}
	if len(n.Sigs) != 2 || len(rest) != 0 {
		return tlog.Tree{}, fmt.Errorf("%d signatures, %d bytes of extension", len(n.Sigs), len(rest))
	}
	t, err := fnote.CoSigV1Timestamp(n.Sigs[1])
	if err == nil && t.Unix() != cosignedAt {
		err = fmt.Errorf("cosigned at %v", t)
	}
	return tlog.Tree{N: int64(cp.Size), Hash: tlog.Hash(cp.Hash)}, err
}

func consistency(dir string, old, tree tlog.Tree, reader tlog.HashReader) error {
	data := read(dir, fmt.Sprintf("consistency-%d-%d", old.N, tree.N))
	p, err := parseHashes(data)
	if err != nil {
		return err
	}
	if err := tlog.CheckTree(p, tree.N, tree.Hash, old.N, old.Hash); err != nil {
		return err
	}
	own, err := tlog.ProveTree(tree.N, old.N, reader)
	if err == nil && !bytes.Equal(hashLines(own), data) {
		err = errors.New("another proof than Go's")
	}
	return err
}

func proofFile(whole []byte, tree tlog.Tree, logKey, cosignKey note.Verifier, reader tlog.HashReader) error {
	var p proof.TLogProof
	if err := p.Unmarshal(whole); err != nil {
		return err
	}
	if !bytes.Equal(p.Marshal(), whole) {
		return errors.New("Go writes the same proof otherwise")
	}
	got, err := openCheckpoint(p.Checkpoint, logKey, cosignKey)
	if err != nil || got != tree {
		return errors.Join(err, errors.New("checkpoint"))
	}
	var path tlog.RecordProof
	for _, h := range p.Hashes {
		path = append(path, h)
	}
	if err := checkLeaf(p.ExtraData, p.Index); err != nil {
		return err
	}
	leaf := tlog.RecordHash(p.ExtraData[:88])
	if err := tlog.CheckRecord(path, tree.N, tree.Hash, int64(p.Index), leaf); err != nil {
		return err
	}
	own, err := tlog.ProveRecord(tree.N, int64(p.Index), reader)
	if err == nil && !bytes.Equal(hashLines(own), hashLines(path)) {
		err = errors.New("another path than Go's")
	}
	return err
}

func verifyTrees(dir string, logKey, cosignKey note.Verifier) (tree tlog.Tree, reader tlog.HashReader) {
	var trees []tlog.Tree
	for _, size := range sizes {
		whole := read(dir, fmt.Sprintf("checkpoint-%d", size))
		got, err := openCheckpoint(whole, logKey, cosignKey)
		report(err, "checkpoint of size %d, signed and cosigned", size)
		whole[0] ^= 1
		if _, err = note.Open(whole, note.VerifierList(logKey, cosignKey)); err != nil {
			err = nil
		} else {
			err = errors.New("accepted")
		}
		report(err, "checkpoint of size %d changed is refused", size)
		trees = append(trees, got)
	}
	tree = trees[len(trees)-1]
	reader = tlog.TileHashReader(tree, tileDir(dir))
	for i, t := range trees {
		small := tlog.TileHashReader(t, tileDir(dir))
		root, err := tlog.TreeHash(t.N, small)
		if err == nil && root != t.Hash {
			err = errors.New("another root")
		}
		for _, old := range trees[:i+1] {
			err = errors.Join(err, consistency(dir, old, t, small))
		}
		report(err, "tiles of size %d lead to its root, and all consistency proofs to it hold", t.N)
	}
	return tree, reader
}

func verify(dir string) {
	keys := strings.Split(strings.TrimSpace(string(read(dir, "vkeys"))), "\n")
	logKey := must(note.NewVerifier(keys[0]))
	cosignKey := must(fnote.NewVerifierForCosignatureV1(keys[1]))
	dispositionKey := must(note.NewVerifier(keys[2]))
	tree, reader := verifyTrees(dir, logKey, cosignKey)

	leaves, err := entries(dir, tree.N)
	for i := 0; err == nil && i < len(leaves); i += 1000 {
		var got []tlog.Hash
		if got, err = reader.ReadHashes([]int64{tlog.StoredHashIndex(0, int64(i))}); err == nil && got[0] != leaves[i] {
			err = fmt.Errorf("entry %d is not that of its tile", i)
		}
	}
	report(err, "entry bundles hold %d leaves, each the one of its tile", tree.N)

	files := must(filepath.Glob(filepath.Join(dir, "*.tlog-proof")))
	err = nil
	for _, file := range files {
		whole := must(os.ReadFile(file))
		err = errors.Join(err, proofFile(whole, tree, logKey, cosignKey, reader))
		whole[len("c2sp.org/tlog-proof@v1\nextra ")+60] ^= 1
		if proofFile(whole, tree, logKey, cosignKey, reader) == nil {
			err = errors.Join(err, errors.New("a changed leaf was accepted"))
		}
	}
	if len(files) < 10 {
		err = errors.Join(err, fmt.Errorf("only %d files", len(files)))
	}
	report(err, "%d proof files, their leaves and openings", len(files))

	n, err := note.Open(read(dir, "disposition"), note.VerifierList(dispositionKey))
	none := sha256.Sum256([]byte("bongsu refused v1\x00"))
	want := fmt.Sprintf("bongsu/disposition/v1/suite1\n%s\nnz\n%d\n%s\n0\n%s\n", origin, tree.N, tree.Hash,
		base64.StdEncoding.EncodeToString(none[:]))
	if err == nil && n.Text != want {
		err = fmt.Errorf("text %q", n.Text)
	}
	report(err, "disposition note")
}

// --- make ---

func keysOf(seedByte byte, name string) (skey, vkey string) {
	seed := make([]byte, ed25519.SeedSize)
	seed[0] = seedByte
	public := append([]byte{1}, ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)...)
	vkey = must(note.NewEd25519VerifierKey(name, public[1:]))
	id := strings.Split(vkey, "+")[1]
	return fmt.Sprintf("PRIVATE+KEY+%s+%s+%s", name, id, base64.StdEncoding.EncodeToString(append([]byte{1}, seed...))), vkey
}

type memory []tlog.Hash

func (m memory) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var out []tlog.Hash
	for _, i := range indexes {
		out = append(out, m[i])
	}
	return out, nil
}

func makeTiles(dir string, size int64, leaves [][]byte, hashes memory) {
	for _, t := range tlog.NewTiles(height, 0, size) {
		if t.W == 256 || t.N*256+int64(t.W) == size>>(8*t.L) {
			write(dir, tilePath(t), must(tlog.ReadTileData(t, hashes)))
		}
	}
	for n := int64(0); n*256 < size; n++ {
		t := tlog.Tile{H: height, L: -1, N: n, W: int(min(256, size-n*256))}
		var data []byte
		for _, leaf := range leaves[n*256 : n*256+int64(t.W)] {
			data = append(binary.BigEndian.AppendUint16(data, uint16(len(leaf))), leaf...)
		}
		write(dir, tilePath(t), data)
	}
}

func makeAll(dir string) {
	logSecret, logKey := keysOf(11, origin)
	cosignSecret, cosignPlain := keysOf(12, cosigner)
	write(dir, "vkeys", []byte(logKey+"\n"+must(fnote.VKeyToCosignatureV1(cosignPlain))+"\n"))
	signer, cosign := must(note.NewSigner(logSecret)), must(fnote.NewSignerForCosignatureV1(cosignSecret))

	largest := sizes[len(sizes)-1]
	var leaves [][]byte
	var openings []opening
	var hashes memory
	for i := int64(0); i < largest; i++ {
		leaf, o := leafOf(uint64(i))
		leaves, openings = append(leaves, leaf), append(openings, o)
		hashes = append(hashes, must(tlog.StoredHashes(i, leaf, hashes))...)
	}
	makeTiles(dir, largest, leaves, hashes)
	var last []byte
	for i, size := range sizes {
		root := must(tlog.TreeHash(size, hashes))
		text := log.Checkpoint{Origin: origin, Size: uint64(size), Hash: root[:]}.Marshal()
		last = must(note.Sign(&note.Note{Text: string(text)}, signer, cosign))
		write(dir, fmt.Sprintf("checkpoint-%d", size), last)
		for _, old := range sizes[:i+1] {
			write(dir, fmt.Sprintf("consistency-%d-%d", old, size), hashLines(must(tlog.ProveTree(size, old, hashes))))
		}
	}
	for index := int64(0); index < largest; index = index*3 + 1 {
		p := proof.TLogProof{Index: uint64(index), Checkpoint: last, ExtraData: append(leaves[index], openings[index].bytes()...)}
		for _, h := range must(tlog.ProveRecord(largest, index, hashes)) {
			p.Hashes = append(p.Hashes, h)
		}
		write(dir, fmt.Sprintf("proof-%d.tlog-proof", index), p.Marshal())
	}
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: go-tlog verify|make DIR")
		os.Exit(2)
	}
	switch os.Args[1] {
	case "verify":
		verify(os.Args[2])
	case "make":
		makeAll(os.Args[2])
	}
	if failed {
		os.Exit(1)
	}
}
