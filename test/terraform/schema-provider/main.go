// A provider for Terraform that has the schemas of hashicorp/aws for what our module uses, and does nothing: `terraform validate` and
// `terraform test` with mock_provider ask a provider for no more. The real one is no module of Go's proxy.
package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"log"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

//go:embed schemas.json
var schemas []byte

type attribute struct {
	Type     string `json:"type"`
	Required bool   `json:"required"`
	Computed bool   `json:"computed"`
}

type block map[string]attribute

type description struct {
	Attributes block            `json:"attributes"`
	Blocks     map[string]block `json:"blocks"`
}

type provider struct {
	tfprotov6.ProviderServer
	Resources   map[string]description `json:"resources"`
	DataSources map[string]description `json:"dataSources"`
}

var types = map[string]tftypes.Type{
	"string":  tftypes.String,
	"number":  tftypes.Number,
	"bool":    tftypes.Bool,
	"strings": tftypes.Set{ElementType: tftypes.String},
	"map":     tftypes.Map{ElementType: tftypes.String},
}

func (b block) attributes() (all []*tfprotov6.SchemaAttribute) {
	for name, a := range b {
		all = append(all, &tfprotov6.SchemaAttribute{
			Name: name, Type: types[a.Type], Required: a.Required, Computed: a.Computed, Optional: !a.Required,
		})
	}
	return
}

func (d description) schema() *tfprotov6.Schema {
	top := &tfprotov6.SchemaBlock{Attributes: d.Attributes.attributes()}
	for name, inner := range d.Blocks {
		top.BlockTypes = append(top.BlockTypes, &tfprotov6.SchemaNestedBlock{
			TypeName: name, Nesting: tfprotov6.SchemaNestedBlockNestingModeSingle,
			Block: &tfprotov6.SchemaBlock{Attributes: inner.attributes()},
		})
	}
	return &tfprotov6.Schema{Block: top}
}

func all(of map[string]description) map[string]*tfprotov6.Schema {
	made := map[string]*tfprotov6.Schema{}
	for name, d := range of {
		made[name] = d.schema()
	}
	return made
}

func (p provider) GetProviderSchema(context.Context, *tfprotov6.GetProviderSchemaRequest) (*tfprotov6.GetProviderSchemaResponse, error) {
	return &tfprotov6.GetProviderSchemaResponse{
		Provider:          &tfprotov6.Schema{Block: &tfprotov6.SchemaBlock{}},
		ResourceSchemas:   all(p.Resources),
		DataSourceSchemas: all(p.DataSources),
	}, nil
}

func (provider) GetResourceIdentitySchemas(context.Context, *tfprotov6.GetResourceIdentitySchemasRequest) (*tfprotov6.GetResourceIdentitySchemasResponse, error) {
	return &tfprotov6.GetResourceIdentitySchemasResponse{}, nil
}

func (provider) ValidateProviderConfig(_ context.Context, r *tfprotov6.ValidateProviderConfigRequest) (*tfprotov6.ValidateProviderConfigResponse, error) {
	return &tfprotov6.ValidateProviderConfigResponse{PreparedConfig: r.Config}, nil
}

func (provider) ValidateResourceConfig(context.Context, *tfprotov6.ValidateResourceConfigRequest) (*tfprotov6.ValidateResourceConfigResponse, error) {
	return &tfprotov6.ValidateResourceConfigResponse{}, nil
}

func (provider) ValidateDataResourceConfig(context.Context, *tfprotov6.ValidateDataResourceConfigRequest) (*tfprotov6.ValidateDataResourceConfigResponse, error) {
	return &tfprotov6.ValidateDataResourceConfigResponse{}, nil
}

func (provider) ConfigureProvider(context.Context, *tfprotov6.ConfigureProviderRequest) (*tfprotov6.ConfigureProviderResponse, error) {
	return &tfprotov6.ConfigureProviderResponse{}, nil
}

func (provider) StopProvider(context.Context, *tfprotov6.StopProviderRequest) (*tfprotov6.StopProviderResponse, error) {
	return &tfprotov6.StopProviderResponse{}, nil
}

func main() {
	var p provider
	if err := json.Unmarshal(schemas, &p); err != nil {
		log.Fatal(err)
	}
	serve := func() tfprotov6.ProviderServer { return p }
	if err := tf6server.Serve("hashicorp/aws", serve); err != nil {
		log.Fatal(err)
	}
}
