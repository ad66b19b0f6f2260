// Reads an exported ledger of Custody with golang.org/x/mod/sumdb/tlog and note, which know nothing of Custody:
//
//	ledger-interop FOLDER SIGNER.pem ORIGIN PROOFS.json
//
// checks the note, every tile, every entry and the proofs that Custody made, and prints proofs of its own.
package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type inclusion struct {
	Index int64    `json:"index"`
	Proof []string `json:"proof"`
}

type consistency struct {
	OldSize int64    `json:"oldSize"`
	OldRoot string   `json:"oldRoot"`
	Proof   []string `json:"proof"`
}

type proofs struct {
	Inclusion   []inclusion   `json:"inclusion"`
	Consistency []consistency `json:"consistency"`
}

// An ECDSA key of a signed note: signature type 0x02 of c2sp.org/signed-note.
type verifier struct {
	name string
	spki []byte
	key  *ecdsa.PublicKey
}

func (v verifier) Name() string { return v.name }
func (v verifier) KeyHash() uint32 {
	hash := sha256.Sum256(v.spki)
	return binary.BigEndian.Uint32(hash[:4])
}
func (v verifier) Verify(msg, sig []byte) bool {
	hash := sha256.Sum256(msg)
	return ecdsa.VerifyASN1(v.key, hash[:], sig)
}

// Tiles in a folder, under C2SP's names: Go's own have the height before the level.
type folder string

func (f folder) Height() int { return 8 }
func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var read [][]byte
	for _, tile := range tiles {
		data, err := os.ReadFile(filepath.Join(string(f), "ledger", "tile", strings.TrimPrefix(tile.Path(), "tile/8/")))
		if err != nil {
			return nil, err
		}
		read = append(read, data)
	}
	return read, nil
}
func (f folder) SaveTiles([]tlog.Tile, [][]byte) {}

func main() {
	if err := run(os.Args[1], os.Args[2], os.Args[3], os.Args[4]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(dir, keyFile, origin, proofsFile string) error {
	tree, err := openCheckpoint(dir, keyFile, origin)
	if err != nil {
		return err
	}
	// Every hash that this reads is authenticated against the tree's root.
	reader := tlog.TileHashReader(tree, folder(dir))
	root, err := tlog.TreeHash(tree.N, reader)
	if err != nil {
		return err
	}
	if root != tree.Hash {
		return fmt.Errorf("the tiles hash to %v, the checkpoint says %v", root, tree.Hash)
	}
	leaves, err := checkEntries(dir, tree, reader)
	if err != nil {
		return err
	}
	theirs, err := checkProofs(proofsFile, tree, leaves)
	if err != nil {
		return err
	}
	ours, err := makeProofs(tree, reader, theirs)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]any{
		"size": tree.N, "entries": len(leaves), "inclusionChecked": len(theirs.Inclusion),
		"consistencyChecked": len(theirs.Consistency), "proofs": ours,
	})
}

func openCheckpoint(dir, keyFile, origin string) (tlog.Tree, error) {
	var tree tlog.Tree
	text, err := os.ReadFile(keyFile)
	if err != nil {
		return tree, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return tree, fmt.Errorf("%s is not PEM", keyFile)
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return tree, err
	}
	msg, err := os.ReadFile(filepath.Join(dir, "ledger", "checkpoint"))
	if err != nil {
		return tree, err
	}
	opened, err := note.Open(msg, note.VerifierList(verifier{origin, block.Bytes, key.(*ecdsa.PublicKey)}))
	if err != nil {
		return tree, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != origin || lines[3] != "" {
		return tree, fmt.Errorf("not a checkpoint of %s: %q", origin, opened.Text)
	}
	if tree.N, err = strconv.ParseInt(lines[1], 10, 64); err != nil {
		return tree, err
	}
	tree.Hash, err = tlog.ParseHash(lines[2])
	return tree, err
}

// Every entry of every bundle, against the level-0 hashes.
func checkEntries(dir string, tree tlog.Tree, reader tlog.HashReader) ([]tlog.Hash, error) {
	var leaves []tlog.Hash
	for n := int64(0); n*256 < tree.N; n++ {
		tile := tlog.Tile{H: 8, L: 0, N: n, W: 256}
		if left := int(tree.N - n*256); left < 256 {
			tile.W = left
		}
		path := strings.TrimPrefix(tile.Path(), "tile/8/0/")
		data, err := os.ReadFile(filepath.Join(dir, "ledger", "tile", "entries", path))
		if err != nil {
			return nil, err
		}
		for bundle := bytes.NewBuffer(data); bundle.Len() > 0; {
			size := int(binary.BigEndian.Uint16(bundle.Next(2)))
			leaves = append(leaves, tlog.RecordHash(bundle.Next(size)))
		}
	}
	if int64(len(leaves)) != tree.N {
		return nil, fmt.Errorf("the bundles hold %d entries of %d", len(leaves), tree.N)
	}
	for i, leaf := range leaves {
		stored, err := reader.ReadHashes([]int64{tlog.StoredHashIndex(0, int64(i))})
		if err != nil {
			return nil, err
		}
		if stored[0] != leaf {
			return nil, fmt.Errorf("entry %d hashes to %v, its tile says %v", i, leaf, stored[0])
		}
	}
	return leaves, nil
}

func checkProofs(file string, tree tlog.Tree, leaves []tlog.Hash) (proofs, error) {
	var theirs proofs
	text, err := os.ReadFile(file)
	if err != nil {
		return theirs, err
	}
	if err := json.Unmarshal(text, &theirs); err != nil {
		return theirs, err
	}
	for _, p := range theirs.Inclusion {
		hashes, err := decode(p.Proof)
		if err != nil {
			return theirs, err
		}
		if err := tlog.CheckRecord(hashes, tree.N, tree.Hash, p.Index, leaves[p.Index]); err != nil {
			return theirs, fmt.Errorf("inclusion of %d: %w", p.Index, err)
		}
	}
	for _, p := range theirs.Consistency {
		hashes, err := decode(p.Proof)
		if err != nil {
			return theirs, err
		}
		root, err := tlog.ParseHash(p.OldRoot)
		if err != nil {
			return theirs, err
		}
		if err := tlog.CheckTree(hashes, tree.N, tree.Hash, p.OldSize, root); err != nil {
			return theirs, fmt.Errorf("consistency from %d: %w", p.OldSize, err)
		}
	}
	return theirs, nil
}

// The same proofs, made by Go.
func makeProofs(tree tlog.Tree, reader tlog.HashReader, theirs proofs) (proofs, error) {
	var ours proofs
	for _, p := range theirs.Inclusion {
		hashes, err := tlog.ProveRecord(tree.N, p.Index, reader)
		if err != nil {
			return ours, err
		}
		ours.Inclusion = append(ours.Inclusion, inclusion{p.Index, encode(hashes)})
	}
	for _, p := range theirs.Consistency {
		hashes, err := tlog.ProveTree(tree.N, p.OldSize, reader)
		if err != nil {
			return ours, err
		}
		ours.Consistency = append(ours.Consistency, consistency{p.OldSize, p.OldRoot, encode(hashes)})
	}
	return ours, nil
}

func decode(texts []string) ([]tlog.Hash, error) {
	var hashes []tlog.Hash
	for _, text := range texts {
		hash, err := tlog.ParseHash(text)
		if err != nil {
			return nil, err
		}
		hashes = append(hashes, hash)
	}
	return hashes, nil
}

func encode(hashes []tlog.Hash) []string {
	texts := []string{}
	for _, hash := range hashes {
		texts = append(texts, base64.StdEncoding.EncodeToString(hash[:]))
	}
	return texts
}
